//! What is known of a key.

use std::fmt;

use serde_json::Value;

use super::Config;
use super::setting::{Input, Refused};
use super::settings::KEYS;

/// One key of the configuration, from [`Config::keys`].
pub struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) unit: &'static str,
    pub(super) change: Change,
    pub(super) expected: fn() -> String,
    pub(super) read: fn(&mut Config, &str, Input<'_>) -> Result<(), Refused>,
    pub(super) show: fn(&Config, &str) -> Option<Value>,
    pub(super) is_within: fn(&Config, &str) -> bool,
}

/// When a key may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// At any time, through [`LiveConfig::update`](super::LiveConfig::update).
    Live,
    /// Before the application is built.
    Fixed,
}

impl Key {
    /// Its full path, `command_bus.timeout`; `*` stands for a name, as in
    /// `handlers.*.timeout`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The section that it stands in.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.section
    }

    /// What it is for, in one paragraph.
    #[must_use]
    pub fn doc(&self) -> String {
        self.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    /// What it counts: `calls`, `duration`, and so on.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        self.unit
    }

    /// What may be written: `a whole number from 1 to 1000`.
    #[must_use]
    pub fn expected(&self) -> String {
        (self.expected)()
    }

    /// Its default as it would stand in JSON; none for a key under a name,
    /// which takes what holds for all.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        (self.show)(&Config::default(), "").map(|value| value.to_string())
    }

    /// Whether it may change while the application runs.
    #[must_use]
    pub fn change(&self) -> Change {
        self.change
    }

    /// The path with the name in its place.
    pub(super) fn path_of(&self, name: &str) -> String {
        self.path.replacen('*', name, 1)
    }
}

impl Config {
    /// Every key there is, in the order of the documentation.
    #[must_use]
    pub fn keys() -> &'static [Key] {
        KEYS
    }

    /// Every key that has a value, with the name it stands under.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static Key, &str, Value)> {
        KEYS.iter().flat_map(move |key| {
            let names = self.names(key.section).into_iter();
            names.filter_map(move |name| Some((key, name, (key.show)(self, name)?)))
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.path).finish()
    }
}
