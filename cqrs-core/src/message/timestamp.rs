//! A moment in time, in microseconds, without a foreign type in the public API.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, held as microseconds since 1970-01-01T00:00:00Z.
///
/// Its text and serde form is RFC 3339 with a `Z` and exactly six decimals.
///
/// ```
/// use cqrs_core::Timestamp;
/// let at: Timestamp = "2026-01-31T08:00:00.25Z".parse()?;
/// assert_eq!(at.to_string(), "2026-01-31T08:00:00.250000Z");
/// # Ok::<(), cqrs_core::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 time, or lies outside the years 0000 to 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time such as 2026-01-31T08:00:00Z")]
pub struct InvalidTimestamp {
    text: String,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The earliest moment that can be held.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// The latest moment that can be held.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// Makes a timestamp from microseconds since 1970, clamped to
    /// [`Timestamp::MIN`]..=[`Timestamp::MAX`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since 1970, negative before it.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `by` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// The time from `earlier` to `self`, zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_microsecond(self.0)
            .expect("a timestamp is clamped to the range that can be printed");
        write!(f, "{at:.6}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|at| Self::from_micros(at.as_microsecond()))
            .map_err(|_| InvalidTimestamp { text: text.to_owned() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_a_round_trip_at_both_ends_of_the_range() {
        for at in [Timestamp::MIN, Timestamp::EPOCH, Timestamp::MAX, Timestamp::from_micros(-1)] {
            assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_text_named() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert_eq!(error.to_string(), "`yesterday` is not a time such as 2026-01-31T08:00:00Z");
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }
}
