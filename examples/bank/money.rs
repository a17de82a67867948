//! Amounts of a currency with two decimals, held as whole cents.

use std::fmt;
use std::iter::Sum as FoldSum;
use std::str::FromStr;

use cqrs_core::Value;
use serde::Serialize;

/// An amount in cents, negative for a debt. Stored as an integer.
#[derive(Value, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(i64);

/// A text is no amount of this currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// It is empty.
    #[error("is empty, an amount such as 12.30 must stand here")]
    Missing,
    /// It is no decimal number.
    #[error("`{0}` is no amount such as 12.30")]
    NotANumber(String),
    /// It has more decimals than the currency.
    #[error("`{0}` has more than two decimals")]
    TooPrecise(String),
    /// It is negative where only the kind of a row gives the sign.
    #[error("`{0}` is negative, the kind of the row gives the sign")]
    Negative(String),
    /// It does not fit.
    #[error("`{0}` is larger than 92233720368547758.07 in absolute value")]
    TooLarge(String),
}

impl MoneyError {
    /// A name for the kind of mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing_field",
            Self::NotANumber(_) => "no_amount",
            Self::TooPrecise(_) => "over_precise_amount",
            Self::Negative(_) => "negative_amount",
            Self::TooLarge(_) => "amount_overflow",
        }
    }
}

impl Cents {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Wraps a number of cents.
    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// The number of cents.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, or the nearest amount that fits.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The opposite amount, or the nearest that fits.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Reads an amount without a sign.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] with the text.
    pub fn parse_unsigned(text: &str) -> Result<Self, MoneyError> {
        match text.parse()? {
            Self(..0) => Err(MoneyError::Negative(text.to_owned())),
            amount => Ok(amount),
        }
    }
}

impl FromStr for Cents {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let wrong = |error: fn(String) -> MoneyError| error(text.chars().take(64).collect());
        if text.is_empty() {
            return Err(MoneyError::Missing);
        }
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) {
            return Err(wrong(MoneyError::NotANumber));
        }
        let tens = match decimals.len() {
            1 => 10,
            2 => 1,
            _ => return Err(wrong(MoneyError::TooPrecise)),
        };
        let cents = |part: &str, unit: i64| part.parse::<i64>().ok()?.checked_mul(sign * unit);
        let sum = cents(whole, 100).zip(cents(decimals, tens));
        sum.and_then(|(whole, rest)| whole.checked_add(rest))
            .map(Self)
            .ok_or_else(|| wrong(MoneyError::TooLarge))
    }
}

fn decimal(f: &mut fmt::Formatter<'_>, cents: i128) -> fmt::Result {
    let (sign, cents) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    f.pad(&format!("{sign}{}.{:02}", cents / 100, cents % 100))
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.0.into())
    }
}

/// The sum of any number of amounts; it cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sum(i128);

impl FoldSum<Cents> for Sum {
    fn sum<I: Iterator<Item = Cents>>(amounts: I) -> Self {
        Self(amounts.map(|amount| i128::from(amount.0)).sum())
    }
}

impl std::ops::AddAssign<Cents> for Sum {
    fn add_assign(&mut self, amount: Cents) {
        self.0 += i128::from(amount.0);
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_print_the_same() {
        for text in ["0.00", "12.30", "-0.05", "92233720368547758.07", "-92233720368547758.08"] {
            assert_eq!(text.parse::<Cents>().unwrap().to_string(), text);
        }
        assert_eq!("700".parse(), Ok(Cents(70_000)));
        assert_eq!("700.5".parse(), Ok(Cents(70_050)));
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let error = |text: &str| Cents::parse_unsigned(text).unwrap_err();
        assert_eq!(error(""), MoneyError::Missing);
        assert_eq!(error("-1.00"), MoneyError::Negative("-1.00".into()));
        assert_eq!(error("1.005"), MoneyError::TooPrecise("1.005".into()));
        for text in ["92233720368547758.08", "99999999999999999999", "92233720368547759"] {
            assert_eq!(error(text), MoneyError::TooLarge(text.into()));
        }
        for text in ["-", ".5", "5.", "1,5", "1e3", "+1", " 1", "--1", "NaN", "1.2.3", "١"] {
            assert_eq!(error(text), MoneyError::NotANumber(text.into()), "{text}");
        }
    }

    #[test]
    fn sums_do_not_overflow() {
        let sum: Sum = [Cents(i64::MAX), Cents(i64::MAX)].into_iter().sum();
        assert_eq!(sum.to_string(), "184467440737095516.14");
    }
}
