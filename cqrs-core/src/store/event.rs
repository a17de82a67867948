//! An event on its way into a store, and as it comes out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{InvalidInput, Position, StreamId, StreamVersion, limits::check_name};
use crate::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion, Timestamp};

/// The stored name of an event's type, such as `account.deposited`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTypeName(Cow<'static, str>);

impl EventTypeName {
    /// A name known while compiling.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for EventTypeName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl From<&'static str> for EventTypeName {
    fn from(name: &'static str) -> Self {
        Self::named(name)
    }
}

impl fmt::Display for EventTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A word under which an event can be found across streams, `name:value`,
/// such as `course:c-17`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

/// The tags of one event, in the order in which they were given. Cheap to
/// clone and free when empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags(Option<Arc<str>>);

impl Tag {
    /// A tag of a name and a value, joined by a colon.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when it has more than 255 bytes or holds a control
    /// character.
    pub fn new(name: &str, value: impl fmt::Display) -> Result<Self, InvalidInput> {
        Self::parse(&format!("{name}:{value}"))
    }

    /// A tag from its stored form.
    ///
    /// # Errors
    ///
    /// As [`Tag::new`].
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        check_name("a tag", text)?;
        Ok(Self(text.into()))
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tags {
    /// No tag.
    pub const NONE: Self = Self(None);

    /// For stores: the tags as one text, a line each, empty for none. No tag
    /// holds a line end.
    #[must_use]
    pub fn as_lines(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// For stores: the tags from what [`Tags::as_lines`] gave.
    #[must_use]
    pub fn from_lines(lines: &str) -> Self {
        Self((!lines.is_empty()).then(|| lines.into()))
    }

    /// Each tag's stored form.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.as_deref().into_iter().flat_map(|lines| lines.split('\n'))
    }

    /// Whether the tag is among them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.iter().any(|one| one == tag.as_str())
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let mut lines = String::new();
        for tag in tags {
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(tag.as_str());
        }
        Self::from_lines(&lines)
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An event to append. The store keeps every byte of it and looks into none.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub(super) id: EventId,
    pub(super) event_type: EventTypeName,
    pub(super) schema_version: SchemaVersion,
    pub(super) encoding: Encoding,
    pub(super) payload: Bytes,
    pub(super) occurred_at: Timestamp,
    pub(super) correlation_id: CorrelationId,
    pub(super) causation_id: Option<CausationId>,
    pub(super) details: Bytes,
    pub(super) tags: Tags,
}

impl NewEvent {
    /// An event that occurred at a time, the first of its correlation.
    #[must_use]
    pub fn new(
        id: EventId,
        event_type: impl Into<EventTypeName>,
        schema_version: SchemaVersion,
        encoding: Encoding,
        payload: impl Into<Bytes>,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            id,
            event_type: event_type.into(),
            schema_version,
            encoding,
            payload: payload.into(),
            occurred_at,
            correlation_id: CorrelationId::from_uuid(*id.as_uuid()),
            causation_id: None,
            details: Bytes::new(),
            tags: Tags::NONE,
        }
    }

    /// Sets what the event belongs to and what caused it.
    #[must_use]
    #[inline]
    pub fn caused_by(
        mut self,
        correlation_id: CorrelationId,
        causation_id: Option<CausationId>,
    ) -> Self {
        self.correlation_id = correlation_id;
        self.causation_id = causation_id;
        self
    }

    /// Sets the encoded rest of the metadata (see
    /// [`RecordedEvent::metadata`]).
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Bytes>) -> Self {
        self.details = details.into();
        self
    }

    /// Sets the tags.
    #[must_use]
    #[inline]
    pub fn with_tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }
}

macro_rules! shared_getters {
    ($($type:ty),*) => {$(
        impl $type {
            /// The event's id.
            #[must_use]
            pub fn id(&self) -> EventId { self.id }
            /// The stored name of its type.
            #[must_use]
            pub fn event_type(&self) -> &EventTypeName { &self.event_type }
            /// The version of its shape.
            #[must_use]
            pub fn schema_version(&self) -> SchemaVersion { self.schema_version }
            /// The format of its payload.
            #[must_use]
            pub fn encoding(&self) -> &Encoding { &self.encoding }
            /// The exact bytes of its content.
            #[must_use]
            pub fn payload(&self) -> &Bytes { &self.payload }
            /// The time that the decision was made for.
            #[must_use]
            pub fn occurred_at(&self) -> Timestamp { self.occurred_at }
            /// What it belongs to.
            #[must_use]
            pub fn correlation_id(&self) -> CorrelationId { self.correlation_id }
            /// What caused it.
            #[must_use]
            pub fn causation_id(&self) -> Option<CausationId> { self.causation_id }
            /// The encoded rest of its metadata: actor, source, trace, headers.
            #[must_use]
            pub fn details(&self) -> &Bytes { &self.details }
            /// Its tags.
            #[must_use]
            pub fn tags(&self) -> &Tags { &self.tags }
        }
    )*};
}

shared_getters!(NewEvent, RecordedEvent);

/// An event as a store holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    position: Position,
    stream: StreamId,
    version: StreamVersion,
    recorded_at: Timestamp,
    id: EventId,
    event_type: EventTypeName,
    schema_version: SchemaVersion,
    encoding: Encoding,
    payload: Bytes,
    occurred_at: Timestamp,
    correlation_id: CorrelationId,
    causation_id: Option<CausationId>,
    details: Bytes,
    tags: Tags,
}

impl RecordedEvent {
    /// For stores: an event with its place.
    #[must_use]
    #[inline]
    pub fn new(
        event: NewEvent,
        position: Position,
        stream: StreamId,
        version: StreamVersion,
        recorded_at: Timestamp,
    ) -> Self {
        let NewEvent {
            id,
            event_type,
            schema_version,
            encoding,
            payload,
            occurred_at,
            correlation_id,
            causation_id,
            details,
            tags,
        } = event;
        Self {
            position,
            stream,
            version,
            recorded_at,
            id,
            event_type,
            schema_version,
            encoding,
            payload,
            occurred_at,
            correlation_id,
            causation_id,
            details,
            tags,
        }
    }

    /// Its place in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The stream it stands in.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Its place in the stream.
    #[must_use]
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// When the store recorded it; never goes back along the log.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NewEvent({} v{}, {} bytes)",
            self.event_type,
            self.schema_version,
            self.payload.len()
        )
    }
}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RecordedEvent({} {} v{} in {}@{}, {} bytes)",
            self.position,
            self.event_type,
            self.schema_version,
            self.stream,
            self.version,
            self.payload.len()
        )
    }
}
