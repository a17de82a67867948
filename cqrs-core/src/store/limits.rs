//! How large what is stored may be. Every store applies the same checks, so
//! that the same input has the same verdict everywhere.

use super::{
    CheckpointName, CommitError, Holder, InvalidInput, LeaseError, LeaseName, NewEvent, UnitOfWork,
};
use crate::message::Encoding;

/// The limits of a store, all inclusive, all configurable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one event's payload. Default 1 MiB.
    pub payload_bytes: usize,
    /// Bytes of one event's encoded metadata. Default 64 KiB.
    pub metadata_bytes: usize,
    /// Tags of one event. Default 64.
    pub tags: usize,
    /// Events of one unit of work. Default 10,000.
    pub events: usize,
    /// Bytes of one unit of work, payloads, metadata and rows together.
    /// Default 64 MiB.
    pub unit_bytes: usize,
    /// Bytes of one row's key. Default 1 KiB.
    pub key_bytes: usize,
    /// Bytes of one snapshot. Default 16 MiB.
    pub snapshot_bytes: usize,
    /// Bytes of units that wait for the store; beyond it a unit is refused as
    /// overloaded. Default 256 MiB.
    pub queued_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: 1 << 20,
            metadata_bytes: 64 << 10,
            tags: 64,
            events: 10_000,
            unit_bytes: 64 << 20,
            key_bytes: 1 << 10,
            snapshot_bytes: 16 << 20,
            queued_bytes: 256 << 20,
        }
    }
}

fn within(what: &'static str, actual: usize, limit: usize) -> Result<(), InvalidInput> {
    if actual <= limit { Ok(()) } else { Err(InvalidInput::TooLarge { what, limit, actual }) }
}

impl Limits {
    /// Checks a unit of work. Every store calls this before it writes.
    ///
    /// # Errors
    ///
    /// [`CommitError::Invalid`] names what is too large or ill-formed.
    pub fn check(&self, work: &UnitOfWork) -> Result<(), CommitError> {
        self.inspect(work).map_err(CommitError::Invalid)
    }

    /// Checks the name of a checkpoint. Every store calls this before it
    /// claims one.
    ///
    /// # Errors
    ///
    /// [`CommitError::Invalid`] when the name is not well-formed.
    pub fn check_checkpoint(&self, name: &CheckpointName) -> Result<(), CommitError> {
        check_name("a checkpoint's name", name.as_str()).map_err(CommitError::Invalid)
    }

    /// Checks the names of a lease and of its holder. Every store calls this
    /// before it gives one.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Invalid`] when a name is not well-formed.
    pub fn check_lease(&self, name: &LeaseName, holder: &Holder) -> Result<(), LeaseError> {
        check_name("a lease's name", name.as_str())
            .and_then(|()| check_name("a holder's name", holder.as_str()))
            .map_err(LeaseError::Invalid)
    }

    fn inspect(&self, work: &UnitOfWork) -> Result<(), InvalidInput> {
        let mut events = 0;
        for (index, append) in work.streams().iter().enumerate() {
            let twice =
                work.streams()[..index].iter().any(|other| other.stream() == append.stream());
            if twice {
                return Err(InvalidInput::StreamTwice { stream: append.stream().clone() });
            }
            events += append.events().len();
            append.events().iter().try_for_each(|event| self.inspect_event(event))?;
        }
        within("a unit of work's number of events", events, self.events)?;
        within("a unit of work", work.bytes(), self.unit_bytes)?;
        for write in work.tables() {
            within("a row's key", write.key().map_or(0, <[u8]>::len), self.key_bytes)?;
            check_name("a table's name", write.table().as_str())?;
        }
        for snapshot in work.snapshots() {
            within("a snapshot", snapshot.data().len(), self.snapshot_bytes)?;
            check_name("an encoding's name", snapshot.encoding().as_str())?;
        }
        if let Some(fence) = work.fence() {
            check_name("a lease's name", fence.name().as_str())?;
        }
        work.advance().map_or(Ok(()), |to| check_name("a checkpoint's name", to.name().as_str()))
    }

    fn inspect_event(&self, event: &NewEvent) -> Result<(), InvalidInput> {
        check_name("an event's type", event.event_type().as_str())?;
        if *event.encoding() != Encoding::JSON {
            check_name("an encoding's name", event.encoding().as_str())?;
        }
        within("an event's payload", event.payload().len(), self.payload_bytes)?;
        within("an event's metadata", event.details().len(), self.metadata_bytes)?;
        within("an event's number of tags", event.tags().iter().count(), self.tags)
    }
}

/// Names are 1 to 255 bytes without control characters.
pub(super) fn check_name(what: &'static str, name: &str) -> Result<(), InvalidInput> {
    if name.is_empty() || has_control(name) {
        let name = name.chars().take(64).collect();
        return Err(InvalidInput::Name { what, name });
    }
    within(what, name.len(), 255)
}

/// Looks at every byte: a loop that does not stop early is a few instructions.
pub(super) fn has_control(name: &str) -> bool {
    name.bytes().fold(false, |found, byte| found | byte.is_ascii_control())
}
