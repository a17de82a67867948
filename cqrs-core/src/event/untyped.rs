//! The content of an event without a type for it.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::message::CodecError;

/// The content of an event of an old version, whose shape no Rust type
/// describes any more. An upcaster changes it by name.
///
/// ```
/// use cqrs_core::event::Untyped;
///
/// /// `account.deposited`, from version 1 to version 2.
/// fn deposited_from_1(mut event: Untyped) -> Untyped {
///     event.rename("amount", "cents");
///     event.set("currency", "EUR");
///     event
/// }
///
/// let old: Untyped = serde_json::json!({ "amount": 500 }).into();
/// assert_eq!(deposited_from_1(old).to_string(), r#"{"cents":500,"currency":"EUR"}"#);
/// ```
///
/// An integer beyond 64 bits cannot stand here: it is rounded, and the type
/// that it is then read into refuses it. Take an event with such a field on by
/// a step over a struct.
#[derive(Clone, PartialEq)]
pub struct Untyped(Value);

impl Untyped {
    /// Whether a field is not there, or is null.
    #[must_use]
    pub fn is_missing(&self, name: &str) -> bool {
        self.0.get(name).is_none_or(Value::is_null)
    }

    /// A field as a value of a type; `None` when it is not there, or is null.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the field is no such value.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CodecError> {
        match self.0.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|error| CodecError::new(format_args!("`{name}`: {error}"))),
        }
    }

    /// Writes a field, in the place of one that is there.
    ///
    /// # Panics
    ///
    /// Panics when the value is none that JSON can hold, which fails the
    /// upcast and nothing else.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value)
            .unwrap_or_else(|error| panic!("`{name}` cannot be set: {error}"));
        self.fields().insert(name.to_owned(), value);
    }

    /// Gives a field another name; without the field, nothing happens.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(value) = self.fields().remove(from) {
            self.fields().insert(to.to_owned(), value);
        }
    }

    /// Drops a field.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        self.fields().remove(name).map(Self)
    }

    /// Changes what a field holds, if it is there.
    pub fn within(&mut self, name: &str, change: impl FnOnce(&mut Self)) {
        if let Some(value) = self.0.get_mut(name).filter(|value| !value.is_null()) {
            let mut inner = Self(value.take());
            change(&mut inner);
            *value = inner.0;
        }
    }

    /// Changes each value of the list that a field holds, if it is there.
    pub fn each(&mut self, name: &str, mut change: impl FnMut(&mut Self)) {
        for value in self.0.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            let mut inner = Self(value.take());
            change(&mut inner);
            *value = inner.0;
        }
    }

    /// The value, as JSON holds it.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The value, as JSON holds it, to change at will.
    pub fn as_value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// Reads the whole as a type.
    pub(super) fn into_type<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        T::deserialize(self.0)
    }

    /// The fields; what is no object becomes one without fields.
    fn fields(&mut self) -> &mut Map<String, Value> {
        if !self.0.is_object() {
            self.0 = Value::Object(Map::new());
        }
        self.0.as_object_mut().expect("it was just made one")
    }
}

impl From<Value> for Untyped {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Display for Untyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Untyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_inside_can_be_changed() {
        let mut event: Untyped =
            json!({ "owner": { "mail": "a" }, "lines": [{ "n": 1 }, { "n": 2 }], "x": null })
                .into();
        event.within("owner", |owner| owner.rename("mail", "email"));
        event.within("nobody", |_| unreachable!());
        event.within("x", |_| unreachable!());
        event.each("lines", |line| {
            let n: i64 = line.get("n").expect("a number").expect("it is there");
            line.set("n", n * 10);
        });
        assert_eq!(event.remove("x"), Some(Untyped(Value::Null)));
        let expected = json!({ "owner": { "email": "a" }, "lines": [{ "n": 10 }, { "n": 20 }] });
        assert_eq!(*event.as_value(), expected);
    }

    #[test]
    fn a_field_of_another_type_is_named() {
        let event: Untyped = json!({ "n": "text" }).into();
        let error = event.get::<u8>("n").expect_err("it is a text").to_string();
        assert!(error.starts_with("`n`: invalid type"), "{error}");
        assert_eq!(event.get::<u8>("m").expect("it may be missing"), None);
    }
}
