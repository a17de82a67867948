//! An event as it comes out of a store: alone, or one of the events of a page
//! that lie together.

use std::fmt;
use std::sync::Arc;

use super::page::{Block, Record};
use super::{EventTypeName, NewEvent, Position, StreamId, StreamVersion, Tags};
use crate::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion, Timestamp};

/// An event as a store holds it. Cheap to clone: clones share the event, or
/// the page that it was read with.
#[derive(Clone)]
pub struct RecordedEvent(Place);

#[derive(Clone)]
enum Place {
    Alone(Alone),
    InBlock { block: Arc<Block>, index: u32 },
}

#[derive(Clone)]
struct Alone {
    event: NewEvent,
    position: Position,
    stream: StreamId,
    version: StreamVersion,
    recorded_at: Timestamp,
}

impl RecordedEvent {
    /// For stores: an event with its place. A store that makes many at once
    /// has them lie together by a [`PageBuilder`](super::PageBuilder).
    #[must_use]
    #[inline]
    pub fn new(
        event: NewEvent,
        position: Position,
        stream: StreamId,
        version: StreamVersion,
        recorded_at: Timestamp,
    ) -> Self {
        Self(Place::Alone(Alone { event, position, stream, version, recorded_at }))
    }

    #[inline]
    pub(super) fn in_block(block: Arc<Block>, index: u32) -> Self {
        Self(Place::InBlock { block, index })
    }

    /// Becomes the handle of another event of its block.
    #[inline]
    pub(super) fn go_to(&mut self, other: u32) {
        if let Place::InBlock { index, .. } = &mut self.0 {
            *index = other;
        }
    }

    #[inline]
    fn look<'a, T>(
        &'a self,
        alone: impl FnOnce(&'a Alone) -> T,
        in_block: impl FnOnce(&'a Block, &'a Record) -> T,
    ) -> T {
        match &self.0 {
            Place::Alone(one) => alone(one),
            Place::InBlock { block, index } => in_block(block, block.record(*index)),
        }
    }

    /// The event's id.
    #[must_use]
    #[inline]
    pub fn id(&self) -> EventId {
        self.look(|one| one.event.id(), |_, record| record.id)
    }

    /// The stored name of its type.
    #[must_use]
    #[inline]
    pub fn event_type(&self) -> &EventTypeName {
        self.look(|one| one.event.event_type(), |block, record| &block.kind(record).event_type)
    }

    /// The version of its shape.
    #[must_use]
    #[inline]
    pub fn schema_version(&self) -> SchemaVersion {
        self.look(|one| one.event.schema_version(), |block, record| block.kind(record).version)
    }

    /// The format of its payload.
    #[must_use]
    #[inline]
    pub fn encoding(&self) -> &Encoding {
        self.look(|one| one.event.encoding(), |block, record| &block.kind(record).encoding)
    }

    /// The exact bytes of its content.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.look(|one| one.event.payload(), Block::payload)
    }

    /// The time that the decision was made for.
    #[must_use]
    pub fn occurred_at(&self) -> Timestamp {
        self.look(|one| one.event.occurred_at(), |_, record| record.occurred_at)
    }

    /// What it belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> CorrelationId {
        self.look(|one| one.event.correlation_id(), |_, record| record.correlation_id)
    }

    /// What caused it.
    #[must_use]
    pub fn causation_id(&self) -> Option<CausationId> {
        self.look(|one| one.event.causation_id(), |_, record| record.causation_id)
    }

    /// The encoded rest of its metadata: actor, source, trace, headers.
    #[must_use]
    pub fn details(&self) -> &[u8] {
        self.look(|one| one.event.details(), Block::details)
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        self.look(|one| one.event.tags(), Block::tags)
    }

    /// Its place in the log.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.look(|one| one.position, |_, record| record.position)
    }

    /// The stream it stands in.
    #[must_use]
    #[inline]
    pub fn stream(&self) -> &StreamId {
        self.look(|one| &one.stream, Block::stream)
    }

    /// Its place in the stream.
    #[must_use]
    #[inline]
    pub fn version(&self) -> StreamVersion {
        self.look(|one| one.version, |_, record| record.version)
    }

    /// When the store recorded it; never goes back along the log.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.look(|one| one.recorded_at, |_, record| record.recorded_at)
    }
}

impl PartialEq for RecordedEvent {
    fn eq(&self, other: &Self) -> bool {
        let place = |one: &Self| (one.position(), one.version(), one.recorded_at());
        let ids = |one: &Self| (one.id(), one.correlation_id(), one.causation_id());
        place(self) == place(other)
            && ids(self) == ids(other)
            && self.occurred_at() == other.occurred_at()
            && self.stream() == other.stream()
            && self.event_type() == other.event_type()
            && self.schema_version() == other.schema_version()
            && self.encoding() == other.encoding()
            && self.payload() == other.payload()
            && self.details() == other.details()
            && self.tags() == other.tags()
    }
}

impl Eq for RecordedEvent {}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RecordedEvent({} {} v{} in {}@{}, {} bytes)",
            self.position(),
            self.event_type(),
            self.schema_version(),
            self.stream(),
            self.version(),
            self.payload().len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Page, PageBuilder, PageEvent, Tag};

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    fn stream() -> StreamId {
        StreamId::new("account", "4711").expect("it is a name")
    }

    fn tags() -> Tags {
        [Tag::parse("a:1").expect("it is a tag")].into_iter().collect()
    }

    fn content() -> NewEvent {
        let (version, time) = (SchemaVersion::new(3), Timestamp::from_micros(5));
        NewEvent::new(EventId::from_uuid(id(1)), "opened", version, Encoding::JSON, "{}", time)
            .caused_by(CorrelationId::from_uuid(id(2)), Some(CausationId::from_uuid(id(3))))
            .with_details("details")
            .with_tags(tags())
    }

    fn alone(event: NewEvent) -> RecordedEvent {
        let (position, version) = (Position::new(9), StreamVersion::new(7));
        RecordedEvent::new(event, position, stream(), version, Timestamp::from_micros(6))
    }

    /// The second event of a page whose first one differs in everything.
    fn in_page(change: impl FnOnce(&mut PageEvent<'_>)) -> RecordedEvent {
        let mut page = PageBuilder::new();
        let kind = page.kind("other", SchemaVersion::FIRST, Encoding::MESSAGE_PACK);
        let other = page.stream(StreamId::new("account", "other").expect("it is a name"));
        let first = PageEvent {
            id: EventId::from_uuid(id(8)),
            kind,
            stream: other,
            position: Position::new(8),
            version: StreamVersion::new(1),
            correlation_id: CorrelationId::from_uuid(id(8)),
            causation_id: None,
            occurred_at: Timestamp::EPOCH,
            recorded_at: Timestamp::EPOCH,
            tags: Tags::NONE,
            details: b"",
            payload: b"other",
        };
        page.push(PageEvent { ..first });
        let mut second = PageEvent {
            id: EventId::from_uuid(id(1)),
            kind: page.kind("opened", SchemaVersion::new(3), Encoding::JSON),
            stream: page.stream(stream()),
            position: Position::new(9),
            version: StreamVersion::new(7),
            correlation_id: CorrelationId::from_uuid(id(2)),
            causation_id: Some(CausationId::from_uuid(id(3))),
            occurred_at: Timestamp::from_micros(5),
            recorded_at: Timestamp::from_micros(6),
            tags: tags(),
            details: b"details",
            payload: b"{}",
        };
        change(&mut second);
        page.push(second);
        page.finish(9, true).events().nth(1).expect("it has two")
    }

    #[test]
    fn an_event_is_the_same_alone_and_in_a_page() {
        let (alone, in_page) = (alone(content()), in_page(|_| {}));
        assert_eq!(alone, in_page);
        assert_eq!(format!("{alone:?}"), format!("{in_page:?}"));
        assert_eq!(alone.metadata().is_ok(), in_page.metadata().is_ok());
        assert_eq!(Page::new(vec![alone], 9, true), Page::new(vec![in_page], 9, true));
    }

    #[test]
    fn events_that_differ_in_any_part_are_not_equal() {
        let event = alone(content());
        let changes: [fn(&mut PageEvent<'_>); 12] = [
            |event| event.id = EventId::from_uuid(id(0)),
            |event| event.kind = in_first(),
            |event| event.stream = stream_of_first(),
            |event| event.position = Position::new(1),
            |event| event.version = StreamVersion::new(1),
            |event| event.correlation_id = CorrelationId::from_uuid(id(0)),
            |event| event.causation_id = None,
            |event| event.occurred_at = Timestamp::EPOCH,
            |event| event.recorded_at = Timestamp::EPOCH,
            |event| event.tags = Tags::NONE,
            |event| event.details = b"",
            |event| event.payload = b"{ }",
        ];
        for (n, change) in changes.into_iter().enumerate() {
            assert_ne!(in_page(change), event, "change {n}");
        }
    }

    /// The places of the names that [`in_page`] takes in first.
    fn in_first() -> crate::store::KindInPage {
        PageBuilder::new().kind("other", SchemaVersion::FIRST, Encoding::JSON)
    }

    fn stream_of_first() -> crate::store::StreamInPage {
        PageBuilder::new().stream(stream())
    }

    #[test]
    #[should_panic(expected = "the kind is of another builder")]
    fn a_kind_of_another_builder_is_refused() {
        let mut other = PageBuilder::new();
        for _ in 0..3 {
            other.kind("other", SchemaVersion::FIRST, Encoding::JSON);
        }
        let foreign = other.kind("other", SchemaVersion::FIRST, Encoding::JSON);
        in_page(|event| event.kind = foreign);
    }
}
