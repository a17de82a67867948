//! An event that this build does not know, as it is stored.

use bytes::Bytes;

use super::EventType;
use crate::message::{Encoding, SchemaVersion};
use crate::store::{EventTypeName, RecordedEvent};

/// The stored identity and content of an event that this build does not know,
/// as the variant `#[event(unknown)] Other(RawEvent)` of an enum takes it in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawEvent {
    /// The stored name of its type.
    pub event_type: EventTypeName,
    /// The version of its shape.
    pub schema_version: SchemaVersion,
    /// The format of its content.
    pub encoding: Encoding,
    /// Its exact content.
    pub payload: Bytes,
}

/// The identity that events have which this build does not know; none is ever
/// stored under it.
#[doc(hidden)]
pub static UNKNOWN_EVENT: EventType = EventType::new("unknown", 1, file!(), line!());

impl RawEvent {
    /// Takes the content out of a record.
    #[must_use]
    pub fn of(record: &RecordedEvent) -> Self {
        Self {
            event_type: record.event_type().clone(),
            schema_version: record.schema_version(),
            encoding: record.encoding().clone(),
            payload: Bytes::copy_from_slice(record.payload()),
        }
    }
}
