//! Which shapes are read back as they were written.

use crate::shape::{Field, Presence, Shape, Tagging, Variant};

impl Shape {
    /// Whether every value of this shape that a self-describing format can
    /// write is read back as the same value.
    ///
    /// Not so where a value is first read into a buffer of any shape, as serde
    /// does for enums without a tag or with one among the fields and for
    /// flattened fields: there, names can meet, the first variant that fits
    /// need not be the one that was written, and integers of 128 bits cannot
    /// be held. Nor is it known of opaque values.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Above(_) => true,
            Self::Optional(inner)
            | Self::List(inner)
            | Self::Set(inner)
            | Self::Array(_, inner) => inner.is_plain(),
            Self::Map(key, value) => key.is_plain() && value.is_plain(),
            Self::Tuple(parts) => are_plain(parts),
            Self::Struct { fields, .. } => fields_are_plain(fields),
            Self::Enum { tagging: Tagging::External | Tagging::Adjacent { .. }, variants } => {
                variants_are_plain(variants)
            }
            Self::Enum { .. } | Self::Opaque { .. } => false,
        }
    }
}

const fn are_plain(parts: &[&Shape]) -> bool {
    let mut at = 0;
    while at < parts.len() {
        if !parts[at].is_plain() {
            return false;
        }
        at += 1;
    }
    true
}

const fn fields_are_plain(fields: &[Field]) -> bool {
    let mut at = 0;
    while at < fields.len() {
        let field = &fields[at];
        if matches!(field.presence, Presence::Flattened) || !field.shape.is_plain() {
            return false;
        }
        at += 1;
    }
    true
}

const fn variants_are_plain(variants: &[Variant]) -> bool {
    let mut at = 0;
    while at < variants.len() {
        if let Some(content) = variants[at].content
            && !content.is_plain()
        {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::{Field, Presence, Scalar, Shape, Tagging, Variant};

    const TEXT: &Shape = &Shape::Scalar(Scalar::Text);
    const OPAQUE: &Shape = &Shape::opaque("a date");
    const ONE: &[Variant] = &[Variant::new("A", None), Variant::new("B", Some(TEXT))];
    const TAGGED: &Shape = &Shape::Enum { tagging: Tagging::Internal { tag: "t" }, variants: ONE };
    const EXTERNAL: &Shape = &Shape::Enum { tagging: Tagging::External, variants: ONE };

    #[test]
    fn what_is_read_through_a_buffer_or_unknown_is_not_plain() {
        for inner in [TAGGED, OPAQUE, &Shape::Enum { tagging: Tagging::Untagged, variants: ONE }] {
            assert!(!inner.is_plain());
        }
        assert!(TEXT.is_plain() && EXTERNAL.is_plain());
        let flattened = [Field::new("", EXTERNAL).presence(Presence::Flattened)].to_vec().leak();
        assert!(!Shape::fields(flattened).is_plain());
    }

    #[test]
    fn a_shape_is_plain_as_far_as_its_parts_are() {
        for (inner, plain) in [(EXTERNAL, true), (OPAQUE, false)] {
            let fields = [Field::new("a", TEXT), Field::new("b", inner)].to_vec().leak();
            let variants =
                [Variant::new("A", None), Variant::new("B", Some(inner))].to_vec().leak();
            for shape in [
                Shape::Optional(inner),
                Shape::List(inner),
                Shape::Set(inner),
                Shape::Array(2, inner),
                Shape::Map(inner, TEXT),
                Shape::Map(TEXT, inner),
                Shape::Tuple(vec![TEXT, inner].leak()),
                Shape::Struct { fields, closed: true },
                Shape::Enum { tagging: Tagging::External, variants },
                Shape::Enum { tagging: Tagging::Adjacent { tag: "t", content: "c" }, variants },
            ] {
                assert_eq!(shape.is_plain(), plain, "{shape:?}");
            }
        }
    }
}
