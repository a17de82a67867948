//! Events as they would come out of a store.

use cqrs_core::Timestamp;
use cqrs_core::message::{Encoding, EventId, SchemaVersion};
use cqrs_core::store::{EventTypeName, NewEvent, Position, RecordedEvent, StreamId, StreamVersion};

/// The first event of a stream, with this identity and content.
pub(crate) fn recorded(
    event_type: &str,
    version: SchemaVersion,
    encoding: Encoding,
    payload: Vec<u8>,
) -> RecordedEvent {
    let id = EventId::from_uuid(uuid::Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0002));
    let at = Timestamp::from_micros(1_767_225_600_000_000);
    let name = EventTypeName::from(event_type.to_owned());
    let event = NewEvent::new(id, name, version, encoding, payload, at);
    let stream = StreamId::new("scenario", "1").expect("the name is well-formed");
    RecordedEvent::new(event, Position::new(1), stream, StreamVersion::new(1), at)
}
