//! A stored state of one stream.

use bytes::Bytes;

use super::{StreamId, StreamVersion};
use crate::message::{Encoding, Timestamp};

/// What a snapshot's bytes are: the aggregate's snapshot version and a
/// fingerprint of its shape. A snapshot of another shape is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateShape {
    /// The version that the user raises when `apply` changes its meaning.
    pub version: u32,
    /// A fingerprint that the derive computes over the fields.
    pub fingerprint: u64,
}

/// The state of a stream at a version. The latest of a stream replaces the
/// earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    stream: StreamId,
    version: StreamVersion,
    shape: StateShape,
    encoding: Encoding,
    data: Bytes,
    taken_at: Timestamp,
}

impl Snapshot {
    /// A snapshot of `stream` as it was after `version`.
    #[must_use]
    pub fn new(
        stream: StreamId,
        version: StreamVersion,
        shape: StateShape,
        encoding: Encoding,
        data: Bytes,
        taken_at: Timestamp,
    ) -> Self {
        Self { stream, version, shape, encoding, data, taken_at }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// The version of the last event in the state.
    #[must_use]
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// What the bytes are.
    #[must_use]
    pub fn shape(&self) -> StateShape {
        self.shape
    }

    /// The format of the bytes.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// The encoded state.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// When it was taken.
    #[must_use]
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }
}
