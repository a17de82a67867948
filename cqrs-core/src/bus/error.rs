//! What a caller of the buses can meet.

use std::sync::Arc;
use std::time::Duration;

use crate::aggregate::{LoadError, SaveError};
use crate::command::Violations;
use crate::error::{Code, ErrorCode};
use crate::message::{CodecError, OperationId};
use crate::projection::{ViewError, WaitError};
use crate::schema::Mismatch;
use crate::store::{CommitError, InvalidInput, ReadError, StreamId};

/// A call failed for a reason that is not the domain's.
///
/// What is large stands in a box: a result that mostly is no error is copied
/// at every hand. For the same reason its tag is a whole word: behind a tag of
/// a byte everything would be copied by pieces that lie across words.
#[derive(Debug, thiserror::Error)]
#[repr(u64)]
#[non_exhaustive]
pub enum BusError {
    /// The application has no handler for the message.
    #[error("no handler for `{name}` in this application")]
    HandlerNotFound {
        /// The message's wire name.
        name: String,
    },
    /// Fields of the message break their rules. No handler ran.
    #[error("the message is not valid: {0}")]
    Validation(Violations),
    /// A payload from the edge is not the message it claims to be.
    #[error("the payload is no `{expected}`: at `{path}`: {reason}")]
    Payload {
        /// The wire name and the Rust type that was expected.
        expected: Box<str>,
        /// Where in the payload, as far as it is known.
        path: Box<str>,
        /// What is wrong there.
        reason: Box<str>,
    },
    /// The time ran out before anything was handed to the store.
    #[error("no answer within {limit:?}, given up after {elapsed:?}")]
    Timeout {
        /// The time that was given.
        limit: Duration,
        /// The time that had passed.
        elapsed: Duration,
    },
    /// The caller cancelled before anything was handed to the store.
    #[error("cancelled by the caller")]
    Cancelled,
    /// A handler panicked. Nothing of its current unit was stored.
    #[error("the handler of `{name}` panicked: {message}")]
    HandlerPanicked {
        /// The message's wire name.
        name: &'static str,
        /// What the panic said.
        message: String,
    },
    /// Other writers were faster each time.
    #[error("lost against other writers {attempts} times")]
    Conflict {
        /// How often it was decided.
        attempts: u32,
        /// The last conflict.
        source: Box<CommitError>,
    },
    /// It may or may not have committed. Repeat the call with this operation
    /// id: it will not run twice.
    #[error("it is unknown whether operation {operation} committed: {reason}")]
    Unknown {
        /// The operation.
        operation: OperationId,
        /// What happened.
        reason: Arc<str>,
    },
    /// The operation id was used before, for something else.
    #[error("operation {operation} was already used for another command")]
    OperationReused {
        /// The operation.
        operation: OperationId,
    },
    /// An event cannot be stored so that it can be read back.
    #[error("event `{event_type}` cannot be stored")]
    Encode {
        /// The event's stored name.
        event_type: String,
        /// What the codec says.
        source: CodecError,
    },
    /// A tag of an event is not well-formed.
    #[error("a tag of event `{event_type}` cannot be stored")]
    Tag {
        /// The event's stored name.
        event_type: String,
        /// What is wrong.
        source: Box<InvalidInput>,
    },
    /// An event is not one that the domain allows. Nothing was stored.
    #[error("event `{event_type}` is refused by its check: {reason}")]
    EventRefused {
        /// The event's stored name.
        event_type: String,
        /// What the check says.
        reason: String,
    },
    /// An event is encoded as something else than its shape says. Nothing was
    /// stored.
    #[error("event `{event_type}` is not encoded as its shape says")]
    EventShape {
        /// The event's stored name.
        event_type: String,
        /// Where, and what is wrong there.
        source: Box<Mismatch>,
    },
    /// The aggregate is deleted: it takes no commands until it is restored.
    #[error("aggregate {stream} is deleted: restore it before it takes commands")]
    AggregateDeleted {
        /// Its stream.
        stream: StreamId,
    },
    /// The aggregate could not be loaded.
    #[error(transparent)]
    Load(Box<LoadError>),
    /// The store did not commit.
    #[error(transparent)]
    Commit(CommitError),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A read model could not be read.
    #[error(transparent)]
    View(Box<ViewError>),
    /// Something answered in the place of a handler, by another type than the
    /// caller expects.
    #[error("`{name}` is answered with `{received}`, but its caller expects `{expected}`")]
    Answer {
        /// The message's wire name.
        name: &'static str,
        /// The type of the answer.
        expected: &'static str,
        /// What was given.
        received: &'static str,
    },
    /// A middleware refused the call.
    #[error("refused by {by}: {reason}")]
    Refused {
        /// How the middleware names itself.
        by: Box<str>,
        /// Why.
        reason: Box<str>,
    },
    /// Nobody is known who calls, or what was said of it does not hold.
    #[error("the caller is not known: {reason}")]
    Unauthenticated {
        /// Why.
        reason: Box<str>,
    },
    /// The caller is known and may not do this.
    #[error("the caller may not do this: {missing} is needed")]
    Forbidden {
        /// What it lacks.
        missing: Box<str>,
    },
    /// The caller has made too many calls in a short time.
    #[error("too many calls of `{message}`: call again in {retry_after:?}")]
    RateLimited {
        /// The message's wire name.
        message: &'static str,
        /// When there is room for one more.
        retry_after: Duration,
    },
    /// A dependency has failed so often that it is left alone for a while.
    #[error("`{dependency}` has failed too often: call again in {retry_after:?}")]
    CircuitOpen {
        /// The name of its breaker.
        dependency: Box<str>,
        /// When it is tried again.
        retry_after: Duration,
    },
    /// Something that the handler needs does not work now. A handler says so by
    /// [`BusError::unavailable`]: it may be run again, and its breaker counts it.
    #[error("`{dependency}` does not work now: {reason}")]
    Unavailable {
        /// What it needs.
        dependency: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// As many calls run and wait as may.
    #[error("{limit} calls of `{message}` run and no more may wait: call again later")]
    Busy {
        /// The message's wire name.
        message: &'static str,
        /// How many may run at once.
        limit: u32,
    },
    /// Handlers send messages on that lead to further messages without end.
    #[error("`{message}` is number {limit} in a chain of messages that lead to one another")]
    TooDeep {
        /// The message's wire name.
        message: &'static str,
        /// The largest length of a chain.
        limit: u32,
    },
    /// The audit could not take the call down, and nothing runs without it.
    #[error("the audit cannot be written: {reason}")]
    AuditUnavailable {
        /// What the sink says.
        reason: Box<str>,
    },
    /// It was stored, and cannot be seen in the read models yet.
    #[error("the read models do not show it yet")]
    Behind {
        /// Which of them, and how far it is.
        source: Box<WaitError>,
    },
    /// The application takes no more work.
    #[error("the application is shutting down")]
    ShuttingDown,
}

impl BusError {
    /// What a handler fails with when something that it needs does not work
    /// now.
    #[must_use]
    pub fn unavailable(dependency: impl Into<Box<str>>, reason: impl std::fmt::Display) -> Self {
        Self::Unavailable { dependency: dependency.into(), reason: reason.to_string().into() }
    }

    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Conflict { .. }
            | Self::Unknown { .. }
            | Self::RateLimited { .. }
            | Self::CircuitOpen { .. }
            | Self::Busy { .. }
            | Self::Unavailable { .. }
            | Self::AuditUnavailable { .. } => true,
            Self::Load(error) => error.is_retryable(),
            Self::Commit(error) => error.is_retryable(),
            Self::Read(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// After what time the same call makes sense again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::CircuitOpen { retry_after, .. } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }

    /// Whether it speaks against what the handler depends on, and not against
    /// the caller or the domain.
    pub(crate) fn is_fault(&self) -> bool {
        use crate::error::Category::{Bug, Transient, Unknown};
        !matches!(self, Self::Cancelled)
            && matches!(self.code().category(), Bug | Transient | Unknown)
    }

    /// Whether it lost against other writers.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Conflict { .. } => true,
            Self::Commit(error) => error.is_conflict(),
            _ => false,
        }
    }
}

impl ErrorCode for BusError {
    fn code(&self) -> Code {
        match self {
            Self::HandlerNotFound { .. } => Code::HANDLER_NOT_FOUND,
            Self::Validation(_) => Code::VALIDATION,
            Self::Payload { .. } => Code::PAYLOAD,
            Self::Timeout { .. } => Code::TIMEOUT,
            Self::Cancelled => Code::CANCELLED,
            Self::HandlerPanicked { .. } => Code::PANICKED,
            Self::Conflict { .. } => Code::CONFLICT,
            Self::Unknown { .. } => Code::OUTCOME_UNKNOWN,
            Self::OperationReused { .. } => Code::OPERATION_REUSED,
            Self::Encode { .. } | Self::Tag { .. } => Code::EVENT_NOT_STORABLE,
            Self::EventRefused { .. } => Code::EVENT_REFUSED,
            Self::EventShape { .. } => Code::EVENT_SHAPE,
            Self::AggregateDeleted { .. } => Code::AGGREGATE_DELETED,
            Self::Load(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::View(error) => error.code(),
            Self::Answer { .. } => Code::ANSWER_TYPE,
            Self::Refused { .. } => Code::REFUSED,
            Self::Unauthenticated { .. } => Code::UNAUTHENTICATED,
            Self::Forbidden { .. } => Code::FORBIDDEN,
            Self::RateLimited { .. } => Code::RATE_LIMITED,
            Self::CircuitOpen { .. } => Code::CIRCUIT_OPEN,
            Self::Unavailable { .. } => Code::DEPENDENCY_UNAVAILABLE,
            Self::Busy { .. } => Code::OVERLOADED,
            Self::TooDeep { .. } => Code::TOO_DEEP,
            Self::AuditUnavailable { .. } => Code::AUDIT_UNAVAILABLE,
            Self::Behind { .. } => Code::BEHIND,
            Self::ShuttingDown => Code::SHUTTING_DOWN,
        }
    }
}

impl From<LoadError> for BusError {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl From<ViewError> for BusError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Read(error) => Self::Read(error),
            row => Self::View(Box::new(row)),
        }
    }
}

impl From<CommitError> for BusError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unknown { operation, reason } => Self::Unknown { operation, reason },
            CommitError::OperationReused { operation } => Self::OperationReused { operation },
            other => Self::Commit(other),
        }
    }
}

impl From<SaveError> for BusError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Encode { event_type, source } => Self::Encode { event_type, source },
            SaveError::Tag { event_type, source } => {
                Self::Tag { event_type, source: Box::new(source) }
            }
            SaveError::Refused { event_type, reason } => Self::EventRefused { event_type, reason },
            SaveError::Shape { event_type, source } => {
                Self::EventShape { event_type, source: Box::new(source) }
            }
            SaveError::Deleted { stream } => Self::AggregateDeleted { stream },
            SaveError::Commit(error) => error.into(),
        }
    }
}

/// A command was rejected by the domain, or failed on the way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<E> {
    /// The domain's own answer.
    #[error(transparent)]
    Rejected(E),
    /// Everything else.
    #[error(transparent)]
    Bus(BusError),
}

impl<E> CommandError<E> {
    /// The domain's answer, if it is one.
    #[must_use]
    pub fn rejection(&self) -> Option<&E> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Bus(_) => None,
        }
    }

    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Bus(error) if error.is_retryable())
    }

    /// Whether it lost against other writers.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Bus(error) if error.is_conflict())
    }
}

impl<E> ErrorCode for CommandError<E> {
    fn code(&self) -> Code {
        match self {
            Self::Rejected(_) => Code::REJECTED,
            Self::Bus(error) => error.code(),
        }
    }
}

macro_rules! through_bus {
    ($($from:ty),*) => {$(
        impl<E> From<$from> for CommandError<E> {
            fn from(error: $from) -> Self { Self::Bus(error.into()) }
        }
        impl From<$from> for QueryError {
            fn from(error: $from) -> Self { Self::Bus(error.into()) }
        }
    )*};
}

through_bus!(BusError, LoadError, SaveError, CommitError, ReadError, ViewError);

/// A query failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The handler's own reason.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Everything else.
    #[error(transparent)]
    Bus(BusError),
}

impl QueryError {
    /// Wraps a handler's own reason.
    #[must_use]
    pub fn failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(reason.into())
    }

    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Bus(error) if error.is_retryable())
    }

    /// Queries conflict with nothing.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        false
    }
}

impl ErrorCode for QueryError {
    fn code(&self) -> Code {
        match self {
            Self::Failed(_) => Code::QUERY_FAILED,
            Self::Bus(error) => error.code(),
        }
    }
}

/// A call by wire name failed; what edges and tools need to know of it.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct DispatchError {
    code: Code,
    rejected: bool,
    retryable: bool,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl DispatchError {
    /// Whether the domain rejected the command.
    #[must_use]
    pub fn is_rejection(&self) -> bool {
        self.rejected
    }

    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The typed error, if it is of that type: a
    /// [`CommandError`]`<E>`, a [`QueryError`] or a [`BusError`].
    #[must_use]
    pub fn downcast_ref<T: std::error::Error + 'static>(&self) -> Option<&T> {
        self.source.downcast_ref()
    }
}

impl ErrorCode for DispatchError {
    fn code(&self) -> Code {
        self.code
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<CommandError<E>> for DispatchError {
    fn from(error: CommandError<E>) -> Self {
        let (code, retryable) = (error.code(), error.is_retryable());
        let rejected = error.rejection().is_some();
        Self { code, rejected, retryable, source: Box::new(error) }
    }
}

impl From<QueryError> for DispatchError {
    fn from(error: QueryError) -> Self {
        let (code, retryable) = (error.code(), error.is_retryable());
        Self { code, rejected: false, retryable, source: Box::new(error) }
    }
}

impl From<BusError> for DispatchError {
    fn from(error: BusError) -> Self {
        let (code, retryable) = (error.code(), error.is_retryable());
        Self { code, rejected: false, retryable, source: Box::new(error) }
    }
}
