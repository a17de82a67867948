//! A type that a key can have: how it is read, written, bounded and named.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::Value;

/// Bounds of a type that has none.
pub(super) const ANY: () = ();

/// What was found where a value belongs.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) value: &'a Value,
    /// The source knows text alone, so that `5` comes as `"5"`.
    pub(super) textual: bool,
}

/// It is no value of the type; how it would be one, if that can be guessed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused(pub(super) Option<String>);

/// A type of values. What `show` gives, `read` takes.
pub(super) trait Setting: Sized {
    type Bounds: 'static;

    /// Reads a value, whatever its bounds.
    fn read(input: Input<'_>) -> Result<Self, Refused>;

    /// The value as it stands in a file.
    fn show(&self) -> Value;

    fn is_within(&self, bounds: &Self::Bounds) -> bool;

    /// What is expected, in words: `a number from 1 to 100`.
    fn expected(bounds: &Self::Bounds) -> String;
}

impl<'a> Input<'a> {
    pub(super) fn text(self) -> Option<&'a str> {
        self.value.as_str().map(str::trim)
    }

    fn parse<T: std::str::FromStr>(self) -> Option<T> {
        self.text().filter(|_| self.textual)?.parse().ok()
    }

    /// A quoted value that would be right without its quotes.
    fn unquoted<T: std::str::FromStr + Display>(self) -> Refused {
        let value = self.text().and_then(|text| text.parse::<T>().ok());
        Refused(value.map(|value| format!("write {value} without quotes")))
    }

    pub(super) fn number(self) -> Result<f64, Refused> {
        let number = self.value.as_f64().or_else(|| self.parse());
        number.filter(|number| number.is_finite()).ok_or_else(|| self.unquoted::<f64>())
    }
}

impl Setting for bool {
    type Bounds = ();

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        input.value.as_bool().or_else(|| input.parse()).ok_or_else(|| {
            let meant = match input.text().map(str::to_ascii_lowercase).as_deref() {
                Some("true" | "on" | "yes" | "1") => Some("true"),
                Some("false" | "off" | "no" | "0") => Some("false"),
                _ => None,
            };
            Refused(meant.map(|meant| format!("write {meant}")))
        })
    }

    fn show(&self) -> Value {
        Value::Bool(*self)
    }

    fn is_within(&self, (): &()) -> bool {
        true
    }

    fn expected((): &()) -> String {
        "true or false".to_owned()
    }
}

macro_rules! counts {
    ($($type:ty),*) => {
        $(impl Setting for $type {
            type Bounds = RangeInclusive<Self>;

            fn read(input: Input<'_>) -> Result<Self, Refused> {
                let number = input.value.as_u64().and_then(|number| number.try_into().ok());
                number.or_else(|| input.parse()).ok_or_else(|| input.unquoted::<Self>())
            }

            fn show(&self) -> Value {
                (*self).into()
            }

            fn is_within(&self, bounds: &Self::Bounds) -> bool {
                bounds.contains(self)
            }

            fn expected(bounds: &Self::Bounds) -> String {
                format!("a whole number from {} to {}", bounds.start(), bounds.end())
            }
        })*
    };
}

counts!(u32, usize);

impl Setting for f64 {
    type Bounds = RangeInclusive<Self>;

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        input.number()
    }

    fn show(&self) -> Value {
        (*self).into()
    }

    fn is_within(&self, bounds: &Self::Bounds) -> bool {
        bounds.contains(self)
    }

    fn expected(bounds: &Self::Bounds) -> String {
        format!("a number from {} to {}", bounds.start(), bounds.end())
    }
}
