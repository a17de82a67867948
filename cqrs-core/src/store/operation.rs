//! What is kept of an operation beside its events.

use bytes::Bytes;

use super::Position;
use crate::message::OperationId;

/// An operation that has appended events, as it is recorded with the first of
/// them. Its events stand side by side in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedOperation {
    /// The operation.
    pub id: OperationId,
    /// Where its first event stands.
    pub first: Position,
    /// How many events it has.
    pub events: u64,
    /// The fingerprint of the request.
    pub fingerprint: u128,
    /// The encoded answer, empty for none.
    pub reply: Bytes,
}

impl RecordedOperation {
    /// For stores: a record.
    #[must_use]
    pub fn new(
        id: OperationId,
        first: Position,
        events: u64,
        fingerprint: u128,
        reply: Bytes,
    ) -> Self {
        Self { id, first, events, fingerprint, reply }
    }

    /// Where its last event stands.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.first.get() + self.events.saturating_sub(1))
    }
}
