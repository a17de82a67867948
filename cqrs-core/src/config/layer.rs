//! The values of one source, in the order they stand there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::Mistake;
use super::found::{Found, Origin};

/// What one source says, and what is wrong with its form.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) found: Vec<Found>,
    pub(super) mistakes: Vec<Mistake>,
    seen: BTreeSet<String>,
}

impl Layer {
    /// A source that cannot be read.
    pub(super) fn wrong(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake], ..Self::default() }
    }

    /// Takes a value in. A source that says something twice is wrong: which of
    /// the two counts would depend on an order that no format defines.
    pub(super) fn add(&mut self, path: String, value: Value, origin: Origin) {
        if self.seen.insert(path.clone()) {
            self.found.push(Found { path, value, origin });
        } else {
            self.mistakes.push(Mistake::twice(path, origin));
        }
    }

    /// Takes in everything below a table. An empty one is kept as it is, since
    /// its own name may be wrong.
    pub(super) fn add_tree(&mut self, path: &str, value: Value, origin: &Origin) {
        match value {
            Value::Object(table) if !table.is_empty() || path.is_empty() => {
                for (name, value) in table {
                    self.add_tree(&below(path, &name), value, origin);
                }
            }
            value => self.add(path.to_owned(), value, origin.clone()),
        }
    }
}

/// A wire name has dots of its own, so that `bank.deposit` as one name and as
/// two nested tables is the same path.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The lines of a text, for the places of values.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, from 1.
    pub(super) fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|end| *end < byte) + 1
    }
}
