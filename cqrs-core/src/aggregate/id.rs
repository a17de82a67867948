//! What identifies an aggregate, and its text form in a stream's name.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;

use crate::aggregate::Aggregate;

/// An identifier with a text form that can be read back.
///
/// [`#[derive(Id)]`](macro@crate::Id) implements it, with everything that goes
/// with it, for a struct around a `String`, a `Uuid` or an integer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot identify an aggregate",
    label = "an id type is needed here",
    note = "add `#[derive(Id)]` to a struct around a `String`, a `Uuid` or an integer"
)]
pub trait AggregateId: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The text form: 1 to 255 bytes without control characters.
    fn to_key(&self) -> Cow<'_, str>;

    /// Reads the text form back.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the text is no such id.
    fn from_key(key: &str) -> Result<Self, InvalidId>;
}

/// A text is no id of the type that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is no {expected}")]
pub struct InvalidId {
    key: String,
    expected: &'static str,
}

impl InvalidId {
    /// The text and the name of the type that it should be.
    #[must_use]
    pub fn new(key: &str, expected: &'static str) -> Self {
        Self { key: key.chars().take(64).collect(), expected }
    }
}

/// That an id of this type identifies `A`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not identify aggregate `{A}`",
    label = "the id field of this command has type `{Self}`",
    note = "mark the field that holds the id of `{A}` with `#[id]`"
)]
pub trait IdFor<A> {
    #[doc(hidden)]
    fn same(&self) -> &A::Id
    where
        A: Aggregate;
}

#[diagnostic::do_not_recommend]
impl<A: Aggregate<Id = I>, I: AggregateId> IdFor<A> for I {
    fn same(&self) -> &I {
        self
    }
}

impl AggregateId for String {
    fn to_key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn from_key(key: &str) -> Result<Self, InvalidId> {
        Ok(key.to_owned())
    }
}

macro_rules! parsed_ids {
    ($($ty:ty),*) => {$(
        impl AggregateId for $ty {
            fn to_key(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
            fn from_key(key: &str) -> Result<Self, InvalidId> {
                key.parse().map_err(|_| InvalidId::new(key, stringify!($ty)))
            }
        }
    )*};
}

parsed_ids!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, uuid::Uuid);
