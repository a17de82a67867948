//! When a call that is still under way is worth a warning.

use std::time::Duration;

use serde_json::Value;

use super::duration;
use super::setting::{Input, Refused, Setting};

/// How long a call may take before a warning: a part of its time limit, as
/// `0.8` or `"80%"`, or a time, as `"5s"`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum WarnAfter {
    /// A part of the time limit, above 0 and at most 1.
    Fraction(f64),
    /// A time of its own.
    Time(Duration),
}

impl WarnAfter {
    /// The time before a warning for a call with this time limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cqrs_core::config::WarnAfter;
    ///
    /// let limit = Duration::from_secs(30);
    /// assert_eq!(WarnAfter::Fraction(0.8).of(limit), Duration::from_secs(24));
    /// ```
    #[must_use]
    pub fn of(self, timeout: Duration) -> Duration {
        match self {
            Self::Fraction(fraction) => {
                let seconds = timeout.as_secs_f64() * fraction;
                Duration::try_from_secs_f64(seconds).unwrap_or(timeout)
            }
            Self::Time(time) => time,
        }
    }
}

impl Setting for WarnAfter {
    type Bounds = ();

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        if let Some(text) = input.text() {
            if let Some(time) = duration::parse(text) {
                return Ok(Self::Time(time));
            }
            if let Some(percent) = text.strip_suffix('%') {
                let percent: f64 = percent.trim().parse().map_err(|_| Refused(None))?;
                return Ok(Self::Fraction(percent / 100.0));
            }
        }
        input.number().map(Self::Fraction)
    }

    fn show(&self) -> Value {
        match self {
            Self::Fraction(fraction) => (*fraction).into(),
            Self::Time(time) => time.show(),
        }
    }

    fn is_within(&self, (): &()) -> bool {
        match self {
            Self::Fraction(fraction) => *fraction > 0.0 && *fraction <= 1.0,
            Self::Time(time) => !time.is_zero(),
        }
    }

    fn expected((): &()) -> String {
        "a part of the time limit, such as 0.8 or \"80%\", or a duration, such as \"5s\"".to_owned()
    }
}
