//! A shape as one number, computed by the compiler.

use crate::shape::{Field, Presence, Shape, Tagging, Variant};

/// A number that differs whenever two shapes differ in what is stored or in
/// what is read. The order of fields and variants is no part of it: they are
/// stored by name.
///
/// The evaluator of constants is slow, so strings are taken eight bytes at a
/// time and nothing is allocated. The mixing is that of the finaliser of
/// MurmurHash3 (Appleby).
#[must_use]
pub const fn fingerprint(shape: &Shape) -> u64 {
    match shape {
        Shape::Scalar(scalar) => tagged(1, *scalar as u64),
        Shape::Optional(inner) => tagged(2, fingerprint(inner)),
        Shape::List(inner) => tagged(3, fingerprint(inner)),
        Shape::Set(inner) => tagged(4, fingerprint(inner)),
        Shape::Array(length, inner) => mix(tagged(5, *length as u64), fingerprint(inner)),
        Shape::Map(key, value) => mix(tagged(6, fingerprint(key)), fingerprint(value)),
        Shape::Tuple(parts) => {
            let mut all = tagged(7, parts.len() as u64);
            let mut at = 0;
            while at < parts.len() {
                all = mix(all, fingerprint(parts[at]));
                at += 1;
            }
            all
        }
        Shape::Struct { fields, closed } => mix(tagged(8, *closed as u64), of_fields(fields)),
        Shape::Enum { tagging, variants } => {
            // Without a tag the first that fits is taken.
            let ordered = matches!(tagging, Tagging::Untagged);
            mix(of_tagging(tagging), of_variants(variants, ordered))
        }
        Shape::Opaque { description, .. } => tagged(10, text(description)),
        Shape::Above(levels) => tagged(11, *levels as u64),
    }
}

const fn of_fields(fields: &[Field]) -> u64 {
    let mut sum = fields.len() as u64;
    let mut at = 0;
    while at < fields.len() {
        sum = sum.wrapping_add(field_fingerprint(&fields[at]));
        at += 1;
    }
    sum
}

/// A field's part of the fingerprint of its struct.
#[must_use]
pub const fn field_fingerprint(field: &Field) -> u64 {
    let presence = match field.presence {
        Presence::Required => 1,
        Presence::Defaulted => 2,
        Presence::Flattened => 3,
    };
    let named = mix(mix(text(field.name), presence), of_aliases(field.aliases));
    mix(named, fingerprint(field.shape))
}

const fn of_variants(variants: &[Variant], ordered: bool) -> u64 {
    let mut sum = variants.len() as u64;
    let mut at = 0;
    while at < variants.len() {
        let variant = &variants[at];
        let content = match variant.content {
            None => 0,
            Some(shape) => fingerprint(shape),
        };
        let named = mix(mix(text(variant.name), variant.other as u64), of_aliases(variant.aliases));
        let place = if ordered { at as u64 } else { 0 };
        sum = sum.wrapping_add(mix(mix(named, content), place));
        at += 1;
    }
    sum
}

const fn of_aliases(aliases: &[&str]) -> u64 {
    let mut sum = aliases.len() as u64;
    let mut at = 0;
    while at < aliases.len() {
        sum = sum.wrapping_add(mix(3, text(aliases[at])));
        at += 1;
    }
    sum
}

const fn of_tagging(tagging: &Tagging) -> u64 {
    match tagging {
        Tagging::External => tagged(9, 1),
        Tagging::Internal { tag } => mix(tagged(9, 2), text(tag)),
        Tagging::Adjacent { tag, content } => mix(mix(tagged(9, 3), text(tag)), text(content)),
        Tagging::Untagged => tagged(9, 4),
    }
}

const fn text(text: &str) -> u64 {
    let mut rest = text.as_bytes();
    let mut all = rest.len() as u64;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        all = mix(all, u64::from_le_bytes(*eight));
        rest = behind;
    }
    let mut last = 0;
    while let Some((byte, behind)) = rest.split_first() {
        last = last << 8 | *byte as u64;
        rest = behind;
    }
    mix(all, last)
}

const fn tagged(tag: u64, value: u64) -> u64 {
    mix(tag.wrapping_mul(0x9e37_79b9_7f4a_7c15), value)
}

const fn mix(one: u64, other: u64) -> u64 {
    let mut all = one.rotate_left(23) ^ other;
    all = all.wrapping_mul(0xff51_afd7_ed55_8ccd);
    all ^= all >> 33;
    all = all.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    all ^ all >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    const TEXT: Shape = Shape::Scalar(Scalar::Text);
    const NUMBER: Shape = Shape::Scalar(Scalar::I64);

    #[test]
    fn the_order_of_names_is_no_part_of_it() {
        const ONE: Shape = Shape::fields(&[Field::new("a", &TEXT), Field::new("b", &NUMBER)]);
        const OTHER: Shape = Shape::fields(&[Field::new("b", &NUMBER), Field::new("a", &TEXT)]);
        const CROSSED: Shape = Shape::fields(&[Field::new("a", &NUMBER), Field::new("b", &TEXT)]);
        const { assert!(fingerprint(&ONE) == fingerprint(&OTHER)) };
        assert_ne!(fingerprint(&ONE), fingerprint(&CROSSED));
    }

    #[test]
    fn what_is_read_is_part_of_it() {
        const NAME: Field = Field::new("a_name_of_some_length", &TEXT);
        const SHAPES: [Shape; 9] = [
            Shape::fields(&[NAME]),
            Shape::fields(&[NAME.presence(Presence::Defaulted)]),
            Shape::fields(&[NAME.presence(Presence::Flattened)]),
            Shape::fields(&[NAME.aliases(&["b"])]),
            Shape::fields(&[NAME.aliases(&["c"])]),
            Shape::fields(&[Field::new("a_name_of_some_lengtt", &TEXT)]),
            Shape::fields(&[Field::new("a_name_of_some_length", &Shape::Optional(&TEXT))]),
            Shape::Struct { fields: &[NAME], closed: true },
            Shape::Optional(&Shape::fields(&[NAME])),
        ];
        let mut all: Vec<u64> = SHAPES.iter().map(fingerprint).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), SHAPES.len());
    }

    #[test]
    fn it_is_stable() {
        const SHAPE: Shape = Shape::fields(&[
            Field::new("cents", &NUMBER),
            Field::new("names", &Shape::Map(&TEXT, &Shape::List(&Shape::Above(0)))),
        ]);
        assert_eq!(fingerprint(&SHAPE), 16_735_874_992_812_723_580);
    }
}
