//! What a value looks like when it is stored.

/// The stored form of a value, in any self-describing format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// One value without parts.
    Scalar(Scalar),
    /// A value or nothing.
    Optional(&'static Shape),
    /// Any number of values, in order.
    List(&'static Shape),
    /// Any number of different values.
    Set(&'static Shape),
    /// So many values, in order.
    Array(usize, &'static Shape),
    /// Values by key.
    Map(&'static Shape, &'static Shape),
    /// One value of each shape, in order.
    Tuple(&'static [&'static Shape]),
    /// Values by name.
    Struct {
        /// The names and their shapes, in the order of the source.
        fields: &'static [Field],
        /// Whether other names are refused when it is read.
        closed: bool,
    },
    /// One of several variants.
    Enum {
        /// How the variant is told.
        tagging: Tagging,
        /// The variants, in the order of the source.
        variants: &'static [Variant],
    },
    /// A form that is known only by what its author says of it.
    Opaque {
        /// What the author says.
        description: &'static str,
        /// A value in JSON, for samples.
        sample: Option<&'static str>,
    },
    /// The struct or enum that many structs and enums above this place, 0 for
    /// the one around it: a type that holds itself.
    Above(u32),
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scalar {
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Uuid,
    Timestamp,
    /// Whatever the format can hold.
    Any,
}

/// A named part of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The stored name.
    pub name: &'static str,
    /// Other names that are read too.
    pub aliases: &'static [&'static str],
    /// Whether it must be there.
    pub presence: Presence,
    /// The shape of its value.
    pub shape: &'static Shape,
}

/// Whether a field must be there when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// It must, unless its shape is optional.
    Required,
    /// Without it, there is a default.
    Defaulted,
    /// Its own fields stand among those around it.
    Flattened,
}

/// One of the forms of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The stored name.
    pub name: &'static str,
    /// Other names that are read too.
    pub aliases: &'static [&'static str],
    /// Whether unknown names are read as this one.
    pub other: bool,
    /// What it holds, if anything.
    pub content: Option<&'static Shape>,
}

/// How the variant of an enum is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tagging {
    /// `{"Card": {..}}`, or `"Cash"` without content.
    External,
    /// `{"tag": "Card", ..}`
    Internal {
        /// The field with the variant's name.
        tag: &'static str,
    },
    /// `{"tag": "Card", "content": {..}}`
    Adjacent {
        /// The field with the variant's name.
        tag: &'static str,
        /// The field with its content.
        content: &'static str,
    },
    /// Not at all: the first that fits.
    Untagged,
}

impl Shape {
    /// A form that is known only by what its author says of it.
    #[must_use]
    pub const fn opaque(description: &'static str) -> Self {
        Self::Opaque { description, sample: None }
    }

    /// A struct that takes unknown fields.
    #[must_use]
    pub const fn fields(fields: &'static [Field]) -> Self {
        Self::Struct { fields, closed: false }
    }

    /// The fields, if it is a struct.
    #[must_use]
    pub const fn as_fields(&self) -> Option<&'static [Field]> {
        match self {
            Self::Struct { fields, .. } => Some(fields),
            _ => None,
        }
    }

    /// Whether a struct's field of this shape may be missing.
    pub(crate) const fn may_be_missing(&self) -> bool {
        matches!(self, Self::Optional(_))
    }
}

impl Field {
    /// A field that must be there.
    #[must_use]
    pub const fn new(name: &'static str, shape: &'static Shape) -> Self {
        Self { name, aliases: &[], presence: Presence::Required, shape }
    }

    /// Sets whether it must be there.
    #[must_use]
    pub const fn presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    /// Sets the other names that are read too.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Whether a value without this field can be read.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.presence == Presence::Defaulted || self.shape.may_be_missing()
    }

    /// Whether the field is read from this name.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl Variant {
    /// A variant.
    #[must_use]
    pub const fn new(name: &'static str, content: Option<&'static Shape>) -> Self {
        Self { name, aliases: &[], other: false, content }
    }

    /// Sets the other names that are read too.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Makes it what unknown names are read as.
    #[must_use]
    pub const fn other(self) -> Self {
        Self { other: true, ..self }
    }

    pub(crate) fn reads(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl Scalar {
    /// Every one, with the word for it.
    pub(crate) const ALL: [(Self, &'static str); 20] = [
        (Self::Unit, "unit"),
        (Self::Bool, "bool"),
        (Self::I8, "i8"),
        (Self::I16, "i16"),
        (Self::I32, "i32"),
        (Self::I64, "i64"),
        (Self::I128, "i128"),
        (Self::U8, "u8"),
        (Self::U16, "u16"),
        (Self::U32, "u32"),
        (Self::U64, "u64"),
        (Self::U128, "u128"),
        (Self::F32, "f32"),
        (Self::F64, "f64"),
        (Self::Char, "char"),
        (Self::Text, "text"),
        (Self::Bytes, "bytes"),
        (Self::Uuid, "uuid"),
        (Self::Timestamp, "timestamp"),
        (Self::Any, "any"),
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(scalar, _)| *scalar)
    }

    /// The bits of an integer, and whether it has a sign.
    pub(crate) fn integer(self) -> Option<(u32, bool)> {
        Some(match self {
            Self::I8 => (8, true),
            Self::I16 => (16, true),
            Self::I32 => (32, true),
            Self::I64 => (64, true),
            Self::I128 => (128, true),
            Self::U8 => (8, false),
            Self::U16 => (16, false),
            Self::U32 => (32, false),
            Self::U64 => (64, false),
            Self::U128 => (128, false),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_has_the_word_at_its_own_place() {
        for (scalar, word) in Scalar::ALL {
            assert_eq!(scalar.word(), word);
            assert_eq!(Scalar::of_word(word), Some(scalar));
        }
    }
}
