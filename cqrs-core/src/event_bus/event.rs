//! What flows through an event bus.
//!
//! An event of this process is one allocation: its envelope and its value lie
//! together, and every queue and handler shares them. A stored event is the
//! handle that the store gave. The bus itself never serialises.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use crate::event::Event;
use crate::message::{CodecError, CorrelationId, EventId, Metadata, Timestamp};
use crate::runtime::Services;
use crate::store::{BuildOwnHash, RecordedEvent, SeededHash, StreamId};

/// An event on its way to subscribers: one from the log, or one of this
/// process that is stored nowhere. Cheap to clone: clones share it.
///
/// In flight it takes at most 150 bytes beside its own value, or beside what
/// the store made, and 32 bytes for each subscriber that it waits for: less
/// than 600 for ten of them.
///
/// ```
/// use cqrs_core::event_bus::BusEvent;
/// use cqrs_core::prelude::*;
/// use cqrs_core::runtime::Services;
///
/// #[derive(Event, Debug, PartialEq)]
/// enum CacheEvent {
///     Cleared { entries: u32 },
/// }
///
/// let event = BusEvent::of(&Services::default(), "cache 7", CacheEvent::Cleared { entries: 3 });
/// assert_eq!(event.event_type(), "cache.cleared");
/// assert_eq!(event.key(), "cache 7");
/// assert_eq!(event.value(), Some(&CacheEvent::Cleared { entries: 3 }));
/// ```
#[derive(Clone)]
pub struct BusEvent(Form);

#[derive(Clone)]
enum Form {
    Stored(Arc<RecordedEvent>),
    Own(Arc<Own<dyn Any + Send + Sync>>),
}

struct Own<T: ?Sized> {
    event_type: &'static str,
    rust_type: &'static str,
    key: EventKey,
    id: EventId,
    at: Timestamp,
    metadata: Option<Box<Metadata>>,
    value: T,
}

/// What the order of an event is kept by, such as the id of what it is about.
/// Events with equal keys are handled in the order in which they were
/// published.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventKey(Text);

#[derive(Clone)]
enum Text {
    Known(&'static str),
    Shared(Arc<str>),
}

impl BusEvent {
    /// What an event takes beside its value, with the counts of its owners.
    pub(super) const ONCE: usize = 2 * size_of::<usize>()
        + if size_of::<Own<()>>() > size_of::<RecordedEvent>() {
            size_of::<Own<()>>()
        } else {
            size_of::<RecordedEvent>()
        };

    /// An event of this process, with an id and a time of its own. The value
    /// is shared, never serialised.
    #[must_use]
    pub fn of<E: Event>(services: &Services, key: impl Into<EventKey>, event: E) -> Self {
        Self::with(services, key.into(), None, event)
    }

    /// The same as part of a request: with the correlation, cause, tenant and
    /// actor that the metadata names. Id and time are the event's own.
    #[must_use]
    pub fn within<E: Event>(
        services: &Services,
        metadata: Metadata,
        key: impl Into<EventKey>,
        event: E,
    ) -> Self {
        Self::with(services, key.into(), Some(Box::new(metadata)), event)
    }

    fn with<E: Event>(
        services: &Services,
        key: EventKey,
        mut metadata: Option<Box<Metadata>>,
        value: E,
    ) -> Self {
        let at = services.now();
        let id = services.id(at);
        if let Some(metadata) = &mut metadata {
            (metadata.id, metadata.timestamp) = (id.into(), at);
        }
        let event_type = value.event_type().name;
        let rust_type = std::any::type_name::<E>();
        let id = EventId::from_uuid(id);
        Self(Form::Own(Arc::new(Own { event_type, rust_type, key, id, at, metadata, value })))
    }

    /// The stored name of its type.
    #[must_use]
    #[inline]
    pub fn event_type(&self) -> &str {
        match &self.0 {
            Form::Stored(record) => record.event_type().as_str(),
            Form::Own(own) => own.event_type,
        }
    }

    /// What its order is kept by: the key of a stored event's stream, or the
    /// one that was given.
    #[must_use]
    pub fn key(&self) -> &str {
        match &self.0 {
            Form::Stored(record) => record.stream().key(),
            Form::Own(own) => own.key.as_str(),
        }
    }

    /// The stream of a stored event.
    #[must_use]
    pub fn stream(&self) -> Option<&StreamId> {
        self.record().map(RecordedEvent::stream)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> EventId {
        match &self.0 {
            Form::Stored(record) => record.id(),
            Form::Own(own) => own.id,
        }
    }

    /// When it occurred.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match &self.0 {
            Form::Stored(record) => record.occurred_at(),
            Form::Own(own) => own.at,
        }
    }

    /// What it belongs to, where that is known.
    #[must_use]
    pub fn correlation_id(&self) -> Option<CorrelationId> {
        match &self.0 {
            Form::Stored(record) => Some(record.correlation_id()),
            Form::Own(own) => own.metadata.as_ref().map(|metadata| metadata.correlation_id),
        }
    }

    /// Its metadata, where there is some.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the stored metadata is damaged.
    pub fn metadata(&self) -> Result<Option<Metadata>, CodecError> {
        match &self.0 {
            Form::Stored(record) => record.metadata().map(Some),
            Form::Own(own) => Ok(own.metadata.as_deref().cloned()),
        }
    }

    /// The stored event, if it comes from a log.
    #[must_use]
    pub fn record(&self) -> Option<&RecordedEvent> {
        match &self.0 {
            Form::Stored(record) => Some(record),
            Form::Own(_) => None,
        }
    }

    /// The value of an event of this process, if it is of that type. A stored
    /// event is decoded for the handlers that ask for a type.
    #[must_use]
    #[inline]
    pub fn value<E: Event>(&self) -> Option<&E> {
        match &self.0 {
            Form::Stored(_) => None,
            Form::Own(own) => own.value.downcast_ref(),
        }
    }

    /// The Rust type of the value, for errors.
    pub(super) fn rust_type(&self) -> &'static str {
        match &self.0 {
            Form::Stored(_) => "a stored event",
            Form::Own(own) => own.rust_type,
        }
    }

    /// A number that is the same for events whose order must be kept.
    #[must_use]
    pub fn order_hash(&self) -> u64 {
        match &self.0 {
            Form::Stored(record) => BuildOwnHash::default().hash_one(record.stream()),
            Form::Own(own) => {
                BuildHasherDefault::<SeededHash>::default().hash_one(own.key.as_str())
            }
        }
    }
}

impl From<RecordedEvent> for BusEvent {
    fn from(record: RecordedEvent) -> Self {
        Self(Form::Stored(Arc::new(record)))
    }
}

impl fmt::Debug for BusEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BusEvent({} {} of {:?})", self.event_type(), self.id(), self.key())
    }
}

impl EventKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.text()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl Text {
    fn text(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<&'static str> for EventKey {
    fn from(key: &'static str) -> Self {
        Self(Text::Known(key))
    }
}

impl From<String> for EventKey {
    fn from(key: String) -> Self {
        Self(Text::Shared(key.into()))
    }
}

impl From<Arc<str>> for EventKey {
    fn from(key: Arc<str>) -> Self {
        Self(Text::Shared(key))
    }
}
