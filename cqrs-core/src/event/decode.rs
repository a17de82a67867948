//! Stored content on its way back to a type.

use serde::de::DeserializeOwned;

use crate::error::{Code, ErrorCode};
use crate::message::{Codec, CodecError, Encoding, EventId, Json, SchemaVersion};
use crate::store::RecordedEvent;

/// What a stored event has become: one event as a rule, and several or none
/// where its type was split or retired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoded<E> {
    /// One event.
    One(E),
    /// Several events, in order, or none.
    Many(Vec<E>),
    /// An event that this build does not know, kept as it is by the variant
    /// that says `#[event(unknown)]`. In a box, so that every other event is
    /// handed on in as few bytes as it has.
    Unknown(Box<E>),
    /// Nothing: this build does not know it, and the enum says to skip that.
    Skipped,
}

/// A stored event cannot be read by this build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The type is none of the enum's.
    #[error(
        "event type `{event_type}` is unknown here: deploy a build that knows it, or say what to \
         do with unknown events by `#[event(unknown = ..)]`"
    )]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The version is newer than this build.
    #[error(
        "event type `{event_type}` has version {version}, this build reads up to {known}: deploy \
         a build that knows it, or say what to do with unknown events by `#[event(unknown = ..)]`"
    )]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: SchemaVersion,
        /// The version of this build.
        known: SchemaVersion,
    },
    /// The content has another shape, or another format.
    #[error("event type `{event_type}` version {version} does not have the expected content")]
    Content {
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: SchemaVersion,
        /// What the codec says.
        source: CodecError,
    },
    /// A step from an old version towards the current one failed.
    #[error(
        "event {event} of type `{event_type}`, stored as version {version}: the upcaster from \
         version {from} {problem}"
    )]
    Upcast {
        /// The event.
        event: EventId,
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: SchemaVersion,
        /// The version that the step starts from.
        from: SchemaVersion,
        /// What happened.
        problem: String,
    },
}

impl<E> Decoded<E> {
    /// Nothing, on purpose: the event is of no interest any more.
    #[must_use]
    pub const fn none() -> Self {
        Self::Many(Vec::new())
    }

    /// The same with other events.
    pub fn map<T>(self, mut change: impl FnMut(E) -> T) -> Decoded<T> {
        match self {
            Self::One(event) => Decoded::One(change(event)),
            Self::Many(events) => Decoded::Many(events.into_iter().map(change).collect()),
            Self::Unknown(event) => Decoded::Unknown(Box::new(change(*event))),
            Self::Skipped => Decoded::Skipped,
        }
    }

    /// The event, if it is one.
    #[must_use]
    pub fn one(self) -> Option<E> {
        match self {
            Self::One(event) => Some(event),
            Self::Unknown(event) => Some(*event),
            Self::Many(events) => <[E; 1]>::try_from(events).ok().map(|[event]| event),
            Self::Skipped => None,
        }
    }
}

impl<E> IntoIterator for Decoded<E> {
    type Item = E;
    type IntoIter = std::iter::Chain<std::option::IntoIter<E>, std::vec::IntoIter<E>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self {
            Self::One(event) => (Some(event), Vec::new()),
            Self::Unknown(event) => (Some(*event), Vec::new()),
            Self::Many(events) => (None, events),
            Self::Skipped => (None, Vec::new()),
        };
        one.into_iter().chain(many)
    }
}

impl DecodeError {
    /// Whether the event is of a type or version that this build does not
    /// know, as while a newer build is being deployed.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::UnknownType { .. } | Self::UnknownVersion { .. })
    }

    #[cold]
    pub(crate) fn unknown_version(record: &RecordedEvent, known: SchemaVersion) -> Self {
        let event_type = record.event_type().as_str().to_owned();
        Self::UnknownVersion { event_type, version: record.schema_version(), known }
    }

    #[cold]
    pub(crate) fn content(record: &RecordedEvent, source: CodecError) -> Self {
        let event_type = record.event_type().as_str().to_owned();
        Self::Content { event_type, version: record.schema_version(), source }
    }
}

impl ErrorCode for DecodeError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownType { .. } => Code::UNKNOWN_EVENT_TYPE,
            Self::UnknownVersion { .. } => Code::UNKNOWN_EVENT_VERSION,
            Self::Content { .. } => Code::EVENT_CONTENT,
            Self::Upcast { .. } => Code::UPCAST,
        }
    }
}

/// For derives: reads an event of the current version, and of no other. In
/// one step: an event is copied as rarely as it can be.
#[doc(hidden)]
#[inline]
pub fn current<T: DeserializeOwned, C: Codec, E>(
    record: &RecordedEvent,
    known: u32,
    make: impl FnOnce(T) -> E,
) -> Result<Decoded<E>, DecodeError> {
    if record.schema_version().get() != known {
        return Err(DecodeError::unknown_version(record, SchemaVersion::new(known)));
    }
    match read::<T, C>(record) {
        Ok(content) => Ok(Decoded::One(make(content))),
        Err(source) => Err(DecodeError::content(record, source)),
    }
}

/// For derives: whether an enum that passes over unknown events may pass over
/// this one. The framework's own events are never unknown to it.
#[doc(hidden)]
#[must_use]
pub fn may_pass(error: &DecodeError, record: &RecordedEvent) -> bool {
    error.is_unknown() && super::Lifecycle::of(record).is_none()
}

/// For derives: what a check says, as a text.
#[doc(hidden)]
pub fn checked<X: std::fmt::Display>(checked: Result<(), X>) -> Result<(), String> {
    checked.map_err(|reason| reason.to_string())
}

/// For derives: the error for a type that the enum does not have.
#[doc(hidden)]
#[must_use]
pub fn unknown_type(record: &RecordedEvent) -> DecodeError {
    DecodeError::UnknownType { event_type: record.event_type().as_str().to_owned() }
}

/// Reads content that was written by `C`, or as JSON.
#[inline]
pub(super) fn read<T: DeserializeOwned, C: Codec>(record: &RecordedEvent) -> Result<T, CodecError> {
    let encoding = record.encoding();
    if *encoding == C::ENCODING {
        C::decode(record.payload())
    } else if *encoding == Encoding::JSON {
        Json::decode(record.payload())
    } else {
        Err(CodecError::new(format_args!("no codec for `{encoding}` here")))
    }
}
