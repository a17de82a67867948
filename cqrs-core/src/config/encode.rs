//! The configuration in serde: the tree that stands in a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::found::Origin;
use super::layer::Layer;
use super::{Config, ConfigLoader};

impl Config {
    fn tree(&self) -> BTreeMap<&'static str, Map<String, Value>> {
        let mut tree: BTreeMap<_, Map<String, Value>> = BTreeMap::new();
        for (key, name, value) in self.entries() {
            let section = tree.entry(key.section).or_default();
            if name.is_empty() {
                section.insert(key.name.to_owned(), value);
            } else {
                let entry = section.entry(name).or_insert_with(|| Map::new().into());
                if let Value::Object(entry) = entry {
                    entry.insert(key.name.to_owned(), value);
                }
            }
        }
        tree
    }
}

impl Serialize for Config {
    /// Every key, as it would stand in a file.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tree().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Config {
    /// The given keys over the defaults.
    ///
    /// # Errors
    ///
    /// One message with all mistakes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let loader = ConfigLoader::new().document("configuration", deserializer);
        loader.load().map_err(de::Error::custom)
    }
}

/// The values of a document of any format that has a `Deserializer`.
pub(super) fn read<'de, D: Deserializer<'de>>(name: &str, deserializer: D) -> Layer {
    let origin = Origin::Document { name: name.to_owned(), line: None };
    let mut layer = Layer::default();
    match Value::deserialize(deserializer) {
        Ok(value @ Value::Object(_)) => layer.add_tree("", value, &origin),
        Ok(other) => layer.mistakes.push(super::Mistake::no_table("", &other, origin)),
        Err(error) => layer.mistakes.push(super::Mistake::syntax(&error, origin)),
    }
    layer
}
