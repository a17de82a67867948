//! A limit that may be absent.

use serde_json::Value;

use super::hint;
use super::setting::{Input, Refused, Setting};

/// A limit, or that there is none, written `"none"`.
///
/// A key of [`Handler`](super::Handler) that is left out takes what holds for
/// every message; `Some(Limit::None)` lifts that limit for the one. Like an
/// `Option` it has no further case, and is matched as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Limit<T> {
    /// No limit.
    #[default]
    None,
    /// Up to this much.
    Of(T),
}

impl<T> Limit<T> {
    /// The limit, if there is one.
    #[must_use]
    pub fn get(self) -> Option<T> {
        match self {
            Self::None => None,
            Self::Of(limit) => Some(limit),
        }
    }
}

impl<T: Setting> Setting for Limit<T> {
    type Bounds = T::Bounds;

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        match input.text() {
            _ if input.value.is_null() => Ok(Self::None),
            Some("none") => Ok(Self::None),
            text => T::read(input).map(Self::Of).map_err(|Refused(hint)| {
                let none = text.filter(|text| hint::nearest(text, ["none"].into_iter()).is_some());
                Refused(hint.or(none.map(|_| "did you mean \"none\"?".to_owned())))
            }),
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::None => "none".into(),
            Self::Of(limit) => limit.show(),
        }
    }

    fn is_within(&self, bounds: &Self::Bounds) -> bool {
        match self {
            Self::None => true,
            Self::Of(limit) => limit.is_within(bounds),
        }
    }

    fn expected(bounds: &Self::Bounds) -> String {
        format!("\"none\" or {}", T::expected(bounds))
    }
}
