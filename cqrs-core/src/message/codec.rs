//! From a typed message to stored bytes and back. Only this file knows a format.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::finite::Guarded;
use super::json::PlainText;

/// A stored format. The type of an event or a snapshot chooses one; JSON is
/// the default.
///
/// A codec must be self-describing (fields carry names), because upcasters
/// read shapes that no Rust type describes any more.
pub trait Codec: 'static {
    /// The name of the format as it is stored beside every payload.
    const ENCODING: Encoding;

    /// Appends the encoded value to `out`.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the value could not be read back: NaN or an
    /// infinity, more than 127 nested levels, a map whose keys are no text.
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Reads a value back.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the bytes are no value of that type.
    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CodecError>;
}

/// The name of a stored format, such as `json`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Encoding(Cow<'static, str>);

impl Encoding {
    /// JSON, the format of [`Json`].
    pub const JSON: Self = Self(Cow::Borrowed("json"));
    /// MessagePack with field names.
    pub const MESSAGE_PACK: Self = Self(Cow::Borrowed("msgpack"));

    /// Names a format of your own; short, lower case.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Encoding {
    fn from(name: String) -> Self {
        match name.as_str() {
            "json" => Self::JSON,
            "msgpack" => Self::MESSAGE_PACK,
            _ => Self(Cow::Owned(name)),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value could not be encoded, or bytes could not be decoded.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CodecError {
    message: String,
}

impl CodecError {
    /// Wraps the format's own message.
    #[must_use]
    #[cold]
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }
}

/// JSON as `serde_json` writes it, without what it could not read back.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl Codec for Json {
    const ENCODING: Encoding = Encoding::JSON;

    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut serializer = serde_json::Serializer::with_formatter(out, PlainText);
        Guarded::with_plain_text(value).serialize(&mut serializer).map_err(CodecError::new)
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CodecError> {
        serde_json::from_slice(bytes).map_err(CodecError::new)
    }
}

/// MessagePack with field names: smaller and faster than JSON, and still
/// readable without the type. Behind the feature `msgpack`.
#[cfg(feature = "msgpack")]
#[derive(Debug, Clone, Copy)]
pub struct MessagePack;

#[cfg(feature = "msgpack")]
impl Codec for MessagePack {
    const ENCODING: Encoding = Encoding::MESSAGE_PACK;

    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut serializer =
            rmp_serde::Serializer::new(out).with_struct_map().with_human_readable();
        Guarded::new(value).serialize(&mut serializer).map_err(CodecError::new)
    }

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CodecError> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
        T::deserialize(&mut deserializer).map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn json<T: Serialize>(value: &T) -> Result<String, String> {
        let mut out = Vec::new();
        Json::encode(value, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).expect("JSON is UTF-8"))
    }

    #[test]
    fn numbers_that_json_cannot_hold_are_refused_at_any_depth() {
        assert_eq!(json(&f64::NAN), Err("NaN cannot be stored".into()));
        assert_eq!(json(&vec![Some((1, f32::INFINITY))]), Err("inf cannot be stored".into()));
        let map = BTreeMap::from([("a", f64::NEG_INFINITY)]);
        assert_eq!(json(&map), Err("-inf cannot be stored".into()));
    }

    #[test]
    fn what_is_accepted_can_be_read_at_the_deepest_level() {
        let nest = |levels: usize| {
            (0..levels).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]))
        };
        let text = json(&nest(127)).expect("127 levels are accepted");
        assert_eq!(Json::decode::<serde_json::Value>(text.as_bytes()).unwrap(), nest(127));
        assert_eq!(json(&nest(128)), Err("nested deeper than 127 levels".into()));
    }

    #[test]
    fn maps_with_number_keys_stay_readable() {
        let map = BTreeMap::from([(1_u64, 2)]);
        assert_eq!(json(&map), Ok("{\"1\":2}".into()));
    }
}
