//! The stored identity of one kind of event, with the shape of every version.

use super::PastVersion;
use crate::message::{SchemaVersion, SourceLocation};
use crate::schema::Shape;

/// The stored identity of one kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct EventType {
    /// The stored name, such as `account.deposited`.
    pub name: &'static str,
    /// The version of the shape that this build writes.
    pub version: SchemaVersion,
    /// The shape of that version.
    #[serde(skip)]
    pub shape: &'static Shape,
    /// Whether every value of that shape is read back as it was written; of
    /// others, each event is read back before it is stored.
    #[serde(skip)]
    pub is_plain: bool,
    /// The versions before it that this build reads, oldest first.
    #[serde(skip)]
    pub history: &'static [PastVersion],
    /// Names that the type was stored under before.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub formerly: &'static [&'static str],
    /// Where it is declared.
    pub location: SourceLocation,
}

impl EventType {
    /// An identity without fields and without a past.
    #[must_use]
    pub const fn new(name: &'static str, version: u32, file: &'static str, line: u32) -> Self {
        Self {
            name,
            version: SchemaVersion::new(version),
            shape: const { &Shape::fields(&[]) },
            is_plain: true,
            history: &[],
            formerly: &[],
            location: SourceLocation { file, line },
        }
    }

    /// Sets the shape of the current version.
    #[must_use]
    pub const fn shaped(self, shape: &'static Shape) -> Self {
        Self { shape, is_plain: shape.is_plain(), ..self }
    }

    /// Sets the versions before it, oldest first.
    #[must_use]
    pub const fn after(self, history: &'static [PastVersion]) -> Self {
        Self { history, ..self }
    }

    /// Sets the names that it had before.
    #[must_use]
    pub const fn formerly(self, names: &'static [&'static str]) -> Self {
        Self { formerly: names, ..self }
    }

    /// Whether events of this type are, or were, stored under a name.
    #[must_use]
    #[inline]
    pub fn is_stored_as(&self, name: &str) -> bool {
        self.name == name || self.formerly.contains(&name)
    }

    /// Whether events of this version can be read.
    #[must_use]
    pub fn reads(&self, version: SchemaVersion) -> bool {
        version == self.version || self.history.iter().any(|past| past.version == version)
    }

    /// The version that is missing in its chain, if one is.
    pub(crate) fn gap(&self) -> Option<SchemaVersion> {
        let mut versions = self.history.iter().map(|past| past.version).chain([self.version]);
        let mut last = versions.next()?.get();
        for version in versions.map(SchemaVersion::get) {
            if version != last + 1 {
                return Some(SchemaVersion::new(last + 1));
            }
            last = version;
        }
        None
    }
}
