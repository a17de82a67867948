//! The notation of shapes: what is written is read back, and nothing that is
//! read brings the reader down.

use cqrs_schema::{
    Comparison, Field, LockFile, Presence, Scalar, Shape, Tagging, Variant, compare, fingerprint,
    parse, render,
};
use proptest::prelude::*;

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        "[a-z_]{1,6}",
        "(is|default|alias|other|key|0|\\.\\.|end)",
        "[ -~]{1,4}",
        "\\PC{1,3}"
    ]
    .prop_map(|name| &*String::leak(name))
}

fn scalar() -> impl Strategy<Value = &'static Shape> {
    let words = ["unit", "bool", "i8", "u128", "f64", "char", "text", "bytes", "uuid", "any"];
    let scalar = |word: &str| parse(&format!("is: {word}")).expect("it is a scalar");
    proptest::sample::select(words.to_vec()).prop_map(scalar)
}

fn fields(
    shape: impl Strategy<Value = &'static Shape> + 'static,
) -> impl Strategy<Value = &'static [Field]> {
    let presence = prop_oneof![
        4 => Just(Presence::Required),
        1 => Just(Presence::Defaulted),
        1 => Just(Presence::Flattened)
    ];
    let field = (name(), proptest::collection::vec(name(), 0..2), presence, shape);
    proptest::collection::vec(field, 0..4).prop_map(|fields| {
        let mut fields: Vec<Field> = fields
            .into_iter()
            .map(|(name, aliases, presence, shape)| {
                let name = if presence == Presence::Flattened { "" } else { name };
                Field { name, aliases: Vec::leak(aliases), presence, shape }
            })
            .collect();
        fields.sort_by_key(|field| field.name);
        fields.dedup_by_key(|field| field.name);
        &*Vec::leak(fields)
    })
}

fn shape() -> impl Strategy<Value = &'static Shape> {
    let opaque = name().prop_map(|text| kept(Shape::opaque(text)));
    let above = (0_u32..3).prop_map(|levels| kept(Shape::Above(levels)));
    let leaf = prop_oneof![4 => scalar(), 1 => opaque, 1 => above];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let inner = inner.boxed();
        let variant = (name(), any::<bool>(), proptest::option::of(inner.clone()))
            .prop_map(|(name, other, content)| Variant { name, aliases: &[], other, content });
        let tagging = prop_oneof![
            Just(Tagging::External),
            Just(Tagging::Untagged),
            name().prop_map(|tag| Tagging::Internal { tag }),
            (name(), name()).prop_map(|(tag, content)| Tagging::Adjacent { tag, content }),
        ];
        let variants = proptest::collection::vec(variant, 0..4).prop_map(|mut variants| {
            variants.sort_by_key(|variant| variant.name);
            variants.dedup_by_key(|variant| variant.name);
            &*Vec::leak(variants)
        });
        prop_oneof![
            inner.clone().prop_map(Shape::Optional),
            inner.clone().prop_map(Shape::List),
            inner.clone().prop_map(Shape::Set),
            (0_usize..9, inner.clone()).prop_map(|(length, inner)| Shape::Array(length, inner)),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| Shape::Map(key, value)),
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|parts| Shape::Tuple(Vec::leak(parts))),
            (fields(inner.clone()), any::<bool>())
                .prop_map(|(fields, closed)| Shape::Struct { fields, closed }),
            (tagging, variants).prop_map(|(tagging, variants)| Shape::Enum { tagging, variants }),
        ]
        .prop_map(kept)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(shape in shape()) {
        let text = render(shape, 0);
        let read = parse(&text);
        prop_assert!(read.is_ok(), "{text}\n{read:?}");
        let read = read.expect("it was just checked");
        prop_assert_eq!(render(read, 0), &*text);
        prop_assert_eq!(fingerprint(read), fingerprint(shape), "{}", text);
        prop_assert_eq!(compare(shape, read), Comparison::default(), "{}", text);
    }

    #[test]
    fn shapes_that_differ_have_changes_and_other_fingerprints(one in shape(), other in shape()) {
        let same = render(one, 0) == render(other, 0);
        prop_assert_eq!(compare(one, other).changes.is_empty(), same);
        prop_assert_eq!(fingerprint(one) == fingerprint(other), same);
    }

    #[test]
    fn no_text_brings_the_reader_down(text in "([a-z\": .0-9\\\\]{0,12}\n?( )*){0,12}") {
        let _ = parse(&text);
        let _ = LockFile::parse(&format!("schema lock, format 1\n{text}\nend\n"));
    }

    #[test]
    fn no_damage_to_a_file_brings_the_reader_down(shape in shape(), at in any::<prop::sample::Index>()) {
        let text = format!("schema lock, format 1\n\nevent a 1\n{}\nend\n", render(shape, 2));
        let at = text.char_indices().map(|(at, _)| at).nth(at.index(text.chars().count()));
        let (before, behind) = text.split_at(at.expect("the text has characters"));
        let _ = LockFile::parse(before);
        let _ = LockFile::parse(behind);
        let _ = LockFile::parse(&format!("{before}\u{0}{behind}"));
    }
}

#[test]
fn a_scalar_alone_is_one_line() {
    assert_eq!(render(&Shape::Scalar(Scalar::I64), 2), "  is: i64\n");
}
