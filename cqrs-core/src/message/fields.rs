//! How a struct without serde attributes is read and written: what serde's own derive
//! would write out for each type stands here once.
//!
//! What is accepted, and what is said about what is not, is the same as
//! serde's; `tests/flow/serialisation.rs` compares them.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess,
    SeqAccess, Visitor,
};
use serde::ser::SerializeStruct;

/// What a field may hold.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be stored",
    label = "`{Self}` is not written and read by serde",
    note = "add `#[derive(Value)]` to `{Self}`",
    note = "a type of another crate often has a feature named `serde`"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// A struct that is read field by field. Written by the derives.
pub trait Fields<'de>: Sized {
    /// The struct's name, for messages.
    const NAME: &'static str;
    /// The names of the fields as they are stored.
    const NAMES: &'static [&'static str];
    /// An optional value for each field.
    type Slots;

    /// Nothing read yet.
    fn empty() -> Self::Slots;

    /// The place of a name, or any number behind the last one.
    fn index(name: &[u8]) -> usize;

    /// Reads the value of a field.
    ///
    /// # Errors
    ///
    /// The source's own, or when the field has a value already.
    fn read<S: Source<'de>>(
        slots: &mut Self::Slots,
        index: usize,
        source: &mut S,
    ) -> Result<(), S::Error>;

    /// The struct, once everything is read.
    ///
    /// # Errors
    ///
    /// When a field is missing that has to be there.
    fn finish<E: Error>(slots: Self::Slots) -> Result<Self, E>;
}

/// Where values of fields come from.
pub trait Source<'de> {
    /// What goes wrong with it.
    type Error: Error;

    /// The next value.
    ///
    /// # Errors
    ///
    /// The source's own.
    fn value<T: Deserialize<'de>>(&mut self) -> Result<T, Self::Error>;
}

/// Reads a struct.
///
/// # Errors
///
/// When the input is not what the struct's fields say.
#[inline]
pub fn read_fields<'de, T: Fields<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_struct(T::NAME, T::NAMES, Whole(PhantomData))
}

/// Reads the value of a field into its slot.
///
/// # Errors
///
/// The source's own, or when the slot is taken.
#[inline]
pub fn read_field<'de, T: Storable, S: Source<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    source: &mut S,
) -> Result<(), S::Error> {
    if slot.is_some() {
        return Err(S::Error::duplicate_field(name));
    }
    *slot = Some(source.value()?);
    Ok(())
}

/// What a slot holds, or what its type makes of a field that is missing.
///
/// # Errors
///
/// When the field has to be there.
#[inline]
pub fn field<T: Storable, E: Error>(slot: Option<T>, name: &'static str) -> Result<T, E> {
    match slot {
        Some(value) => Ok(value),
        None => T::deserialize(Missing(name, PhantomData)),
    }
}

/// Writes a field.
///
/// # Errors
///
/// The target's own.
#[inline]
pub fn write_field<T: Storable, S: SerializeStruct>(
    out: &mut S,
    name: &'static str,
    value: &T,
) -> Result<(), S::Error> {
    out.serialize_field(name, value)
}

struct Whole<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> Visitor<'de> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "struct {}", T::NAME)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut slots = T::empty();
        while let Some(index) = map.next_key_seed(Name::<T>(PhantomData))? {
            if index < T::NAMES.len() {
                T::read(&mut slots, index, &mut Entries(&mut map, PhantomData))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        T::finish(slots)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        let mut slots = T::empty();
        let mut items = Items::<'de, A, T> { seq, index: 0, of: PhantomData };
        while items.index < T::NAMES.len() {
            let index = items.index;
            T::read(&mut slots, index, &mut items)?;
            items.index += 1;
        }
        T::finish(slots)
    }
}

/// The key of a field among a struct's names.
struct Name<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Name<T> {
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Name<T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<usize, E> {
        Ok(usize::try_from(index).unwrap_or(usize::MAX))
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        Ok(T::index(name.as_bytes()))
    }

    #[inline]
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<usize, E> {
        Ok(T::index(name))
    }
}

/// The values of a map.
struct Entries<'a, 'de, A>(&'a mut A, PhantomData<&'de ()>);

impl<'de, A: MapAccess<'de>> Source<'de> for Entries<'_, 'de, A> {
    type Error = A::Error;

    #[inline]
    fn value<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
        self.0.next_value()
    }
}

/// The values of a sequence, in the order of a struct's fields.
struct Items<'de, A, T> {
    seq: A,
    index: usize,
    of: PhantomData<(&'de (), T)>,
}

impl<'de, A: SeqAccess<'de>, T: Fields<'de>> Source<'de> for Items<'de, A, T> {
    type Error = A::Error;

    #[inline]
    fn value<V: Deserialize<'de>>(&mut self) -> Result<V, A::Error> {
        match self.seq.next_element()? {
            Some(value) => Ok(value),
            None => Err(A::Error::invalid_length(self.index, &Elements::<'de, T>(PhantomData))),
        }
    }
}

/// How many values a sequence has to have.
struct Elements<'de, T>(PhantomData<(&'de (), T)>);

impl<'de, T: Fields<'de>> serde::de::Expected for Elements<'de, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = T::NAMES.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "struct {} with {count} element{plural}", T::NAME)
    }
}

/// A field that is not there: an optional one is empty, and to any other it
/// is a mistake.
struct Missing<E>(&'static str, PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
