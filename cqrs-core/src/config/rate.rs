//! How many calls a while may have.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::duration;
use super::setting::{Input, Refused, Setting};

/// The longest time over which calls are counted.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The most calls in that time.
const MOST: u32 = 1_000_000_000;

/// So many calls in a time, and how many of them may come at once.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::config::Rate;
///
/// let rate: Rate = "100/s".parse()?;
/// assert_eq!((rate.calls(), rate.per(), rate.burst()), (100, Duration::from_secs(1), 100));
/// let rate: Rate = "10/500ms burst 20".parse()?;
/// assert_eq!((rate.per(), rate.burst()), (Duration::from_millis(500), 20));
/// # Ok::<(), cqrs_core::config::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    calls: u32,
    per: Duration,
    burst: u32,
}

/// The text is no rate, or one of its numbers is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "a rate is 1 to {MOST} calls in at most 24h, such as \"100/s\", \"5000/m\" or \
     \"10/1s burst 20\""
)]
pub struct InvalidRate;

impl Rate {
    /// So many calls in a time; as many may come at once.
    ///
    /// # Errors
    ///
    /// [`InvalidRate`] for 0 or more than 1,000,000,000 calls, and for a time
    /// of 0 or more than a day.
    pub fn new(calls: u32, per: Duration) -> Result<Self, InvalidRate> {
        let is_rate = (1..=MOST).contains(&calls) && !per.is_zero() && per <= LONGEST;
        is_rate.then_some(Self { calls, per, burst: calls }).ok_or(InvalidRate)
    }

    /// The same rate with so many calls at once.
    ///
    /// # Errors
    ///
    /// [`InvalidRate`] for 0 and for more than 1,000,000,000.
    pub fn with_burst(self, burst: u32) -> Result<Self, InvalidRate> {
        (1..=MOST).contains(&burst).then_some(Self { burst, ..self }).ok_or(InvalidRate)
    }

    /// Calls in [`Rate::per`].
    #[must_use]
    pub fn calls(self) -> u32 {
        self.calls
    }

    /// The time in which the calls are counted.
    #[must_use]
    pub fn per(self) -> Duration {
        self.per
    }

    /// Calls that may come at once after a pause.
    #[must_use]
    pub fn burst(self) -> u32 {
        self.burst
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (calls, rest) = text.split_once('/').ok_or(InvalidRate)?;
        let (per, burst) = match rest.split_once("burst") {
            Some((per, burst)) => (per.trim(), Some(burst)),
            None => (rest.trim(), None),
        };
        let per = match per {
            "s" | "m" | "h" | "ms" => duration::parse(&format!("1{per}")),
            per => duration::parse(per),
        };
        let number = |text: &str| text.trim().parse().map_err(|_| InvalidRate);
        let rate = Self::new(number(calls)?, per.ok_or(InvalidRate)?)?;
        burst.map_or(Ok(rate), |burst| rate.with_burst(number(burst)?))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = duration::print(self.per);
        let per = match per.as_str() {
            "1s" | "1m" | "1h" | "1ms" => &per[1..],
            other => other,
        };
        write!(f, "{}/{per}", self.calls)?;
        if self.burst == self.calls { Ok(()) } else { write!(f, " burst {}", self.burst) }
    }
}

impl Setting for Rate {
    type Bounds = ();

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        let text = input.text().map(str::to_owned);
        if let Some(rate) = text.as_deref().and_then(|text| text.parse().ok()) {
            return Ok(rate);
        }
        let number = text.or_else(|| input.value.as_number().map(ToString::to_string));
        let number = number.and_then(|text| text.parse::<u32>().ok()).filter(|calls| *calls > 0);
        Err(Refused(number.map(|calls| format!("for calls in a second write \"{calls}/s\""))))
    }

    fn show(&self) -> Value {
        self.to_string().into()
    }

    fn is_within(&self, (): &()) -> bool {
        true
    }

    fn expected((): &()) -> String {
        "a rate such as \"100/s\", \"5000/m\" or \"10/1s burst 20\"".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for text in ["100/s", "5000/m", "1/h", "10/s burst 20", "3/1m 30s burst 1", "7/250ms"] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!(rate.to_string(), text);
        }
        let spaced: Rate = " 10 / 1s  burst  20 ".parse().expect("spaces say nothing");
        assert_eq!(spaced.to_string(), "10/s burst 20");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let texts = [
            "",
            "100",
            "/s",
            "100/",
            "0/s",
            "-1/s",
            "1.5/s",
            "100/0s",
            "100/25h",
            "100/s burst",
            "100/s burst 0",
            "100/parsec",
            "99999999999/s",
            "1000000001/s",
            "100/s/s",
        ];
        for text in texts {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text:?}");
        }
    }
}
