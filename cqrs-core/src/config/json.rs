//! JSON with the lines of its values.
//!
//! `serde_json` keeps no places, but a raw value is a piece of the text it was
//! read from, so that where it starts is its line. The text is read as a whole
//! first: that finds what is no JSON, and bounds how deep it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::Mistake;
use super::found::Origin;
use super::layer::{Layer, Lines, below};

/// The values of a JSON document.
pub(super) fn read(text: &str, origin: &Origin) -> Layer {
    let mut layer = Layer::default();
    let document = Document { text, lines: Lines::of(text), origin };
    match serde_json::from_str::<Value>(text) {
        Err(error) => layer.mistakes.push(Mistake::syntax(&error, origin.at(error.line().max(1)))),
        Ok(Value::Object(_)) => document.read_table("", text, &mut layer),
        Ok(other) => layer.mistakes.push(Mistake::no_table("", &other, origin.at(1))),
    }
    layer
}

struct Document<'a> {
    text: &'a str,
    lines: Lines,
    origin: &'a Origin,
}

/// The members of an object, in order, doubled ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl Document<'_> {
    fn read_table(&self, path: &str, table: &str, layer: &mut Layer) {
        let Ok(Members(members)) = serde_json::from_str(table) else { return };
        for (name, raw) in members {
            let path = below(path, &name);
            let value = serde_json::from_str(raw.get()).unwrap_or_default();
            match value {
                Value::Object(table) if !table.is_empty() => {
                    self.read_table(&path, raw.get(), layer);
                }
                value => layer.add(path, value, self.origin_of(raw.get())),
            }
        }
    }

    /// `piece` is a part of the text, so that the distance of their addresses
    /// is where it starts.
    fn origin_of(&self, piece: &str) -> Origin {
        let start = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.origin.at(self.lines.at(start))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
