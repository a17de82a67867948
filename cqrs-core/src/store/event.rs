//! An event on its way into a store.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{InvalidInput, limits::check_name};
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
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent(Arc<Content>);

/// Allocated once, where the event is made: a store in memory keeps it as it
/// is, and its readers share it.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    id: EventId,
    event_type: EventTypeName,
    schema_version: SchemaVersion,
    encoding: Encoding,
    payload: Bytes,
    occurred_at: Timestamp,
    correlation_id: CorrelationId,
    causation_id: Option<CausationId>,
    /// What most events do not have.
    rest: Option<Box<Rest>>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Rest {
    details: Bytes,
    tags: Tags,
}

/// The rest of an event that has none.
static NO_REST: Rest = Rest { details: Bytes::new(), tags: Tags::NONE };

impl Rest {
    #[inline]
    fn boxed(self) -> Option<Box<Self>> {
        let is_empty = self.details.is_empty() && self.tags.0.is_none();
        (!is_empty).then(|| Box::new(self))
    }
}

impl Content {
    fn rest(&self) -> &Rest {
        self.rest.as_deref().unwrap_or(&NO_REST)
    }
}

/// What the events of one command share.
pub(crate) struct Cause {
    pub(crate) occurred_at: Timestamp,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) causation_id: CausationId,
    pub(crate) details: Bytes,
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
        Self(Arc::new(Content {
            id,
            event_type: event_type.into(),
            schema_version,
            encoding,
            payload: payload.into(),
            occurred_at,
            correlation_id: CorrelationId::from_uuid(*id.as_uuid()),
            causation_id: None,
            rest: None,
        }))
    }

    /// An event of a command, in one step.
    #[inline]
    pub(crate) fn of_command(
        id: EventId,
        event_type: (&'static str, SchemaVersion),
        encoding: Encoding,
        payload: Bytes,
        tags: Tags,
        cause: &Cause,
    ) -> Self {
        let rest = Rest { details: cause.details.clone(), tags };
        Self(Arc::new(Content {
            id,
            event_type: event_type.0.into(),
            schema_version: event_type.1,
            encoding,
            payload,
            occurred_at: cause.occurred_at,
            correlation_id: cause.correlation_id,
            causation_id: Some(cause.causation_id),
            rest: rest.boxed(),
        }))
    }

    /// Sets what the event belongs to and what caused it.
    #[must_use]
    #[inline]
    pub fn caused_by(
        mut self,
        correlation_id: CorrelationId,
        causation_id: Option<CausationId>,
    ) -> Self {
        let content = Arc::make_mut(&mut self.0);
        content.correlation_id = correlation_id;
        content.causation_id = causation_id;
        self
    }

    /// Sets the encoded rest of the metadata (see
    /// [`RecordedEvent::metadata`](super::RecordedEvent::metadata)).
    #[must_use]
    #[inline]
    pub fn with_details(self, details: impl Into<Bytes>) -> Self {
        let rest = Rest { details: details.into(), tags: self.tags().clone() };
        self.with_rest(rest)
    }

    /// Sets the tags.
    #[must_use]
    #[inline]
    pub fn with_tags(self, tags: Tags) -> Self {
        let rest = Rest { details: self.content().rest().details.clone(), tags };
        self.with_rest(rest)
    }

    fn with_rest(mut self, rest: Rest) -> Self {
        if rest != *self.content().rest() {
            Arc::make_mut(&mut self.0).rest = rest.boxed();
        }
        self
    }

    fn content(&self) -> &Content {
        &self.0
    }
}

impl NewEvent {
    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.content().id
    }
    /// The stored name of its type.
    #[must_use]
    pub fn event_type(&self) -> &EventTypeName {
        &self.content().event_type
    }
    /// The version of its shape.
    #[must_use]
    pub fn schema_version(&self) -> SchemaVersion {
        self.content().schema_version
    }
    /// The format of its payload.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.content().encoding
    }
    /// The exact bytes of its content.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.content().payload
    }
    /// The time that the decision was made for.
    #[must_use]
    pub fn occurred_at(&self) -> Timestamp {
        self.content().occurred_at
    }
    /// What it belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> CorrelationId {
        self.content().correlation_id
    }
    /// What caused it.
    #[must_use]
    pub fn causation_id(&self) -> Option<CausationId> {
        self.content().causation_id
    }
    /// The encoded rest of its metadata: actor, source, trace, headers.
    #[must_use]
    pub fn details(&self) -> &[u8] {
        &self.content().rest().details
    }
    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.content().rest().tags
    }
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NewEvent({} v{}, {} bytes)",
            self.event_type(),
            self.schema_version(),
            self.payload().len()
        )
    }
}
