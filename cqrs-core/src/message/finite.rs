//! A serialiser in front of the codec that refuses what could not be read
//! back: NaN, infinities, and values nested deeper than readers allow.
//!
//! `serde_json` writes NaN as `null` and depth 200 without complaint, and
//! then refuses to read both. Promise P9 asks for the error before the commit.

use serde::ser::{self, Serialize, Serializer};

use super::json;

/// Values may nest this deep; one less than `serde_json` refuses to read.
pub(super) const MAX_DEPTH: u32 = 127;

/// A value that serialises through [`Guard`].
pub(super) struct Guarded<'a, T: ?Sized> {
    value: &'a T,
    way: Way,
}

/// Where a value stands, and whether its text goes through as bytes to a
/// [`PlainText`](super::json::PlainText) formatter.
#[derive(Clone, Copy)]
struct Way {
    depth: u32,
    plain_text: bool,
}

impl<'a, T: ?Sized> Guarded<'a, T> {
    #[cfg(feature = "msgpack")]
    pub(super) fn new(value: &'a T) -> Self {
        Self { value, way: Way { depth: 0, plain_text: false } }
    }

    /// For a JSON serialiser whose formatter is `PlainText`.
    pub(super) fn with_plain_text(value: &'a T) -> Self {
        Self { value, way: Way { depth: 0, plain_text: true } }
    }
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Guard { inner: serializer, way: self.way })
    }
}

struct Guard<S> {
    inner: S,
    way: Way,
}

impl<S: Serializer> Guard<S> {
    fn deeper(&self) -> Result<Way, S::Error> {
        if self.way.depth < MAX_DEPTH {
            Ok(Way { depth: self.way.depth + 1, ..self.way })
        } else {
            Err(ser::Error::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))
        }
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*);)*) => {$(
        fn $method(self, $($arg: $ty),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

macro_rules! open {
    ($($method:ident($($arg:ident: $ty:ty),*) -> $assoc:ident;)*) => {$(
        fn $method(self, $($arg: $ty),*) -> Result<Self::$assoc, S::Error> {
            let way = self.deeper()?;
            Ok(Guard { inner: self.inner.$method($($arg),*)?, way })
        }
    )*};
}

impl<S: Serializer> Serializer for Guard<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Guard<S::SerializeSeq>;
    type SerializeTuple = Guard<S::SerializeTuple>;
    type SerializeTupleStruct = Guard<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Guard<S::SerializeTupleVariant>;
    type SerializeMap = Guard<S::SerializeMap>;
    type SerializeStruct = Guard<S::SerializeStruct>;
    type SerializeStructVariant = Guard<S::SerializeStructVariant>;

    forward! {
        serialize_bool(v: bool);
        serialize_i8(v: i8);
        serialize_i16(v: i16);
        serialize_i32(v: i32);
        serialize_i64(v: i64);
        serialize_i128(v: i128);
        serialize_u8(v: u8);
        serialize_u16(v: u16);
        serialize_u32(v: u32);
        serialize_u64(v: u64);
        serialize_u128(v: u128);
        serialize_char(v: char);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<S::Ok, S::Error> {
        if self.way.plain_text && json::is_plain(v) {
            self.inner.serialize_bytes(v.as_bytes())
        } else {
            self.inner.serialize_str(v)
        }
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<S::Ok, S::Error> {
        if !self.way.plain_text {
            return self.inner.serialize_bytes(v);
        }
        // To the formatter bytes are text; serde_json writes them as a list.
        let mut list = self.inner.serialize_seq(Some(v.len()))?;
        for byte in v {
            ser::SerializeSeq::serialize_element(&mut list, byte)?;
        }
        ser::SerializeSeq::end(list)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let mut way = self.deeper()?;
        // serde_json knows its own types by such a name, and takes their
        // content as text alone.
        way.plain_text &= !name.starts_with('$');
        Ok(Guard { inner: self.inner.serialize_struct(name, len)?, way })
    }

    open! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeStructVariant;
    }

    fn serialize_f32(self, v: f32) -> Result<S::Ok, S::Error> {
        if v.is_finite() {
            self.inner.serialize_f32(v)
        } else {
            Err(ser::Error::custom(format_args!("{v} cannot be stored")))
        }
    }

    fn serialize_f64(self, v: f64) -> Result<S::Ok, S::Error> {
        if v.is_finite() {
            self.inner.serialize_f64(v)
        } else {
            Err(ser::Error::custom(format_args!("{v} cannot be stored")))
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Guarded { value, way: self.way })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Guarded { value, way: self.way })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let way = self.deeper()?;
        self.inner.serialize_newtype_variant(name, index, variant, &Guarded { value, way })
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident;)*) => {$(
        impl<C: ser::$trait> ser::$trait for Guard<C> {
            type Ok = C::Ok;
            type Error = C::Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.inner.$method(&Guarded { value, way: self.way })
            }
            fn end(self) -> Result<C::Ok, C::Error> { self.inner.end() }
        }
    )*};
}

macro_rules! fields {
    ($($trait:ident;)*) => {$(
        impl<C: ser::$trait> ser::$trait for Guard<C> {
            type Ok = C::Ok;
            type Error = C::Error;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), C::Error> {
                self.inner.serialize_field(key, &Guarded { value, way: self.way })
            }
            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> { self.inner.skip_field(key) }
            fn end(self) -> Result<C::Ok, C::Error> { self.inner.end() }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl<C: ser::SerializeMap> ser::SerializeMap for Guard<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    // Keys pass unwrapped: serde_json recognises its own key types by them.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&Guarded { value, way: self.way })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
