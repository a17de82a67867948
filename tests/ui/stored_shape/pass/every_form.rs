//! Types of every kind in an event, and their shapes.

use std::collections::{BTreeMap, HashSet};

use cqrs_core::prelude::*;
use cqrs_core::schema::render;

mod foreign {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Decimal(String);

    pub mod hex {
        pub fn serialize<S: serde::Serializer>(_: &[u8], to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str("00")
        }
        pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
            <String as serde::Deserialize>::deserialize(from).map(String::into_bytes)
        }
    }
}

#[derive(Value, PartialEq)]
struct Cents(i64);

#[derive(Value)]
struct Nothing;

#[derive(Value)]
struct Pair(u8, #[serde(default)] char);

#[derive(Value)]
struct Node<T> {
    value: T,
    kids: Vec<Node<T>>,
    parent: Option<Box<Self>>,
}

#[derive(Value)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
enum Payment {
    Cash,
    ByCard { card_number: String, then: Option<Box<Payment>> },
    Several(Vec<Payment>),
    #[serde(rename = "gift", alias = "present")]
    Gift(Cents, u8),
    #[serde(skip)]
    Never,
}

#[derive(Value)]
#[serde(tag = "t", content = "c")]
enum Told {
    A(u8),
    #[serde(other)]
    B,
}

#[derive(Value)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
}

/// With serde's own derives, as a type of an API may have them.
#[derive(serde::Serialize, serde::Deserialize, Schema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[derive(Default)]
struct Settings {
    r#type: u8,
    long_name: String,
}

#[derive(Value)]
#[serde(transparent)]
struct Wrapped {
    inner: Settings,
}

#[derive(serde::Serialize, serde::Deserialize, Schema)]
#[schema(as = String)]
#[serde(from = "String", into = "String")]
#[derive(Clone)]
struct Name(String);

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[derive(Event)]
enum AccountEvent {
    #[serde(rename_all = "camelCase")]
    Opened {
        first_field: Option<Cents>,
        nothing: Nothing,
        pair: Pair,
        #[serde(default)]
        node: Option<Node<u8>>,
        payments: BTreeMap<String, Payment>,
        told: [Told; 2],
        either: HashSet<u64>,
        both: (Either, bool),
        #[serde(flatten)]
        wrapped: Wrapped,
        #[schema(opaque = "a decimal", sample = "\"1.5\"")]
        price: foreign::Decimal,
        #[serde(with = "foreign::hex")]
        #[schema(as = String)]
        key: Vec<u8>,
        #[serde(skip)]
        cache: u8,
        name: Name,
    },
}

fn main() {
    let expected = "\
.. : closed struct
";
    let text = render(AccountEvent::TYPES[0].shape, 0);
    assert!(text.starts_with(&expected.replace(".. ", "..")), "{text}");
    for line in [
        "  long-name default: text",
        "both: tuple",
        "  0: enum without tag",
        "firstField: optional i64",
        "key: text",
        "name: text",
        "node default: optional struct",
        "  kids: list of above 0",
        "  parent: optional above 0",
        "nothing: unit",
        "pair: tuple",
        "payments: map from text to enum",
        "  BY_CARD: struct",
        "    cardNumber: text",
        "    then: optional above 1",
        "  SEVERAL: list of above 0",
        "  gift alias present: tuple",
        "price: opaque \"a decimal\"",
        "told: array of 2 enum by t in c",
        "  B other",
        "either: set of u64",
    ] {
        assert!(text.lines().any(|one| one == line), "`{line}` is missing in\n{text}");
    }
    assert!(!text.contains("cache") && !text.contains("NEVER"), "{text}");
}
