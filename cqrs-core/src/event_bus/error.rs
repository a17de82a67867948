//! What publishers meet, and what is known of a handler that failed.

use std::fmt;
use std::sync::Arc;

use super::BusEvent;
use crate::error::{Code, ErrorCode};
use crate::event::DecodeError;
use crate::subscription::HandlerError;

/// What a handler returns: every error converts by `?`.
pub type HandlerResult = Result<(), HandlerError>;

/// An event was not published, or not handled by everybody.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The bus was stopped and takes no more events.
    #[error("the event bus is stopped: publish before it stops, or start another")]
    Stopped,
    /// Nobody subscribes to the event, and the bus is strict.
    #[error("nobody subscribes to `{event_type}`, and the event bus is strict")]
    NoSubscriber {
        /// The name of its type.
        event_type: Box<str>,
    },
    /// The queue of a subscriber is full, and it refuses what is too much.
    /// The event was queued for nobody.
    #[error("the queue of subscriber `{subscriber}` is full with {capacity} events: publish later")]
    Full {
        /// The subscriber.
        subscriber: Arc<str>,
        /// What its queue holds.
        capacity: usize,
    },
    /// A handler would have waited for the bus that waits for the handler.
    /// Nothing was published.
    #[error("a handler cannot wait for its own event bus: publish without waiting")]
    Nested,
    /// Handlers have failed; all others have run, unless the bus stops at the
    /// first failure.
    #[error("{0}")]
    Handlers(Failures),
}

/// Handlers that have failed: at least one.
#[derive(Clone, Debug)]
pub struct Failures(Box<[Failure]>);

/// One event that one handler did not handle.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The event.
    pub event: BusEvent,
    /// The subscriber.
    pub subscriber: Arc<str>,
    /// Why.
    pub error: Arc<DeliveryError>,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The handler's own reason.
    #[error("{0}")]
    Failed(HandlerError),
    /// The handler panicked.
    #[error("the handler panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// The stored event cannot be read as what the handler takes.
    #[error("the event cannot be read")]
    Decode(#[from] DecodeError),
    /// The event has the name, and not the Rust type, of what the handler
    /// takes.
    #[error("`{event_type}` was published as `{published}`, and its handler takes `{wanted}`")]
    OtherType {
        /// The name of its type.
        event_type: Box<str>,
        /// The Rust type that was published.
        published: &'static str,
        /// The Rust type that the handler takes.
        wanted: &'static str,
    },
    /// The queue was full, and the subscriber sheds what is too much.
    #[error("the event was shed: the queue was full with {capacity} events")]
    Shed {
        /// What the queue holds.
        capacity: usize,
    },
    /// The bus did not take the event.
    #[error("the event was not published")]
    NotPublished(#[source] Box<PublishError>),
    /// The bus was stopped before the handler had ended.
    #[error("the event bus was stopped before the handler had ended")]
    Stopped,
}

/// Some events of a batch were not published, or not handled by everybody.
/// All others were.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} of {total} events failed, at {:?}", self.failed.len(), self.indexes())]
pub struct BatchError {
    total: usize,
    failed: Vec<(usize, PublishError)>,
}

impl Failures {
    /// `None` where nothing has failed.
    #[must_use]
    pub fn of(failures: Vec<Failure>) -> Option<Self> {
        (!failures.is_empty()).then(|| Self(failures.into_boxed_slice()))
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Failure> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Failures {
    type Item = &'a Failure;
    type IntoIter = std::slice::Iter<'a, Failure>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, failure) in self.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "; " })?;
            fmt::Display::fmt(failure, f)?;
        }
        Ok(())
    }
}

impl Failure {
    /// For buses: a failure.
    #[must_use]
    pub fn new(event: BusEvent, subscriber: Arc<str>, error: DeliveryError) -> Self {
        Self { event, subscriber, error: Arc::new(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event_type, id) = (self.event.event_type(), self.event.id());
        let error = crate::error::report(&*self.error);
        write!(f, "subscriber `{}` on `{event_type}` {id}: {error}", self.subscriber)
    }
}

impl BatchError {
    /// For buses: an error unless nothing has failed. The numbers are places
    /// in the batch, from 0, in order.
    ///
    /// # Errors
    ///
    /// When something has failed.
    pub fn unless_empty(total: usize, failed: Vec<(usize, PublishError)>) -> Result<(), Self> {
        if failed.is_empty() { Ok(()) } else { Err(Self { total, failed }) }
    }

    /// The places of the events that failed, from 0, in order.
    #[must_use]
    pub fn indexes(&self) -> Vec<usize> {
        self.failed.iter().map(|(index, _)| *index).collect()
    }

    /// Each event that failed by its place, and why.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &PublishError)> {
        self.failed.iter().map(|(index, error)| (*index, error))
    }
}

impl ErrorCode for PublishError {
    fn code(&self) -> Code {
        match self {
            Self::Stopped => Code::SHUTTING_DOWN,
            Self::NoSubscriber { .. } => Code::HANDLER_NOT_FOUND,
            Self::Full { .. } => Code::OVERLOADED,
            Self::Nested => Code::NESTED_WAIT,
            Self::Handlers(failures) => failures.0[0].error.code(),
        }
    }
}

impl ErrorCode for DeliveryError {
    fn code(&self) -> Code {
        match self {
            Self::Failed(error) => error.code(),
            Self::OtherType { .. } => Code::EVENT_HANDLER_FAILED,
            Self::Panicked { .. } => Code::PANICKED,
            Self::Decode(error) => error.code(),
            Self::Shed { .. } => Code::OVERLOADED,
            Self::NotPublished(error) => error.code(),
            Self::Stopped => Code::SHUTTING_DOWN,
        }
    }
}
