//! What travels through an application: names, identifiers, metadata and
//! the codec that turns a typed message into stored bytes.
//!
//! A message is known by a *wire name* and a *schema version*, never by its
//! Rust path: renaming a type or moving it to another crate changes nothing
//! that is stored.

mod codec;
pub(crate) mod fields;
mod finite;
mod id;
mod json;
mod metadata;
mod timestamp;

#[cfg(feature = "msgpack")]
pub use codec::MessagePack;
pub use codec::{Codec, CodecError, Encoding, Json};
pub(crate) use id::mix;
pub use id::{
    ActorId, CausationId, CorrelationId, EventId, IdGenerator, MessageId, OperationId, RandomIds,
    TenantId, Ulid, UuidV7,
};
pub use metadata::{Headers, Metadata, TraceContext};
pub use timestamp::{InvalidTimestamp, Timestamp};

/// The version of a message's stored shape, counted from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SchemaVersion(u32);

impl SchemaVersion {
    /// The version every message starts with.
    pub const FIRST: Self = Self(1);

    /// Makes a version from a number; versions count from 1.
    ///
    /// # Panics
    ///
    /// Panics when `number` is 0. The derives refuse that while compiling.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        assert!(number > 0, "schema versions count from 1");
        Self(number)
    }

    /// The version as a number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where something was declared in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct SourceLocation {
    /// The file as the compiler names it.
    pub file: &'static str,
    /// The line, counted from 1.
    pub line: u32,
}

impl std::fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
