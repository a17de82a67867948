//! The ledger's dates: days of the Gregorian calendar, without a time.

use std::fmt;
use std::str::FromStr;

use cqrs_core::Value;

/// A day that exists. Its text and stored form is `1993-01-31`.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(try_from = "String", into = "String")]
#[schema(opaque = "a day, YYYY-MM-DD", sample = "\"1993-01-31\"")]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// A text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// It has another form.
    #[error("`{0}` is no date such as 1993-01-31")]
    Form(String),
    /// The calendar has no such day.
    #[error("`{0}` is no day of the calendar")]
    Impossible(String),
}

impl DayError {
    /// A name for the kind of mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form(_) => "no_date",
            Self::Impossible(_) => "impossible_date",
        }
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let wrong = |error: fn(String) -> DayError| error(text.chars().take(64).collect());
        let parts = || {
            let is_date = text.len() == 10
                && text.bytes().enumerate().all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                });
            let (year, rest) = is_date.then_some(text)?.split_once('-')?;
            let (month, day) = rest.split_once('-')?;
            Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
        };
        let (year, month, day) = parts().ok_or_else(|| wrong(DayError::Form))?;
        if (1..=days_in(year, month)).contains(&day) {
            Ok(Self { year, month, day })
        } else {
            Err(wrong(DayError::Impossible))
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_print_and_sort() {
        let days = ["1992-02-29", "1993-01-31", "1993-02-01", "2000-02-29"];
        let read: Vec<Day> = days.iter().map(|day| day.parse().unwrap()).collect();
        assert!(read.is_sorted());
        assert!(read.iter().map(ToString::to_string).eq(days));
    }

    #[test]
    fn days_that_do_not_exist_are_told_from_other_text() {
        for text in ["1993-02-29", "1900-02-29", "1993-04-31", "1993-13-01", "1993-00-10"] {
            assert_eq!(text.parse::<Day>(), Err(DayError::Impossible(text.into())));
        }
        for text in ["", "1993-1-1", "930101", "1993/01/01", "1993-01-01T00", "19-93-01-1"] {
            assert_eq!(text.parse::<Day>(), Err(DayError::Form(text.into())), "{text}");
        }
    }
}
