//! What can go wrong with a read model.

use std::sync::Arc;

use crate::aggregate::InvalidId;
use crate::error::{Code, ErrorCode};
use crate::event::DecodeError;
use crate::message::CodecError;
use crate::store::{CommitError, Position, ReadError};

/// An event could not be taken into a read model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// An event cannot be read by this build.
    #[error("the event at position {position} cannot be read")]
    Decode {
        /// The event's place.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// The handler panicked.
    #[error("the handler panicked at position {position}: {message}")]
    Panicked {
        /// The event's place.
        position: Position,
        /// What the panic said.
        message: String,
    },
    /// A row cannot be written or read.
    #[error("a row of table `{table}` cannot be coded")]
    Row {
        /// The table.
        table: String,
        /// What the codec says.
        source: CodecError,
    },
    /// A stream's key is no id of the aggregate.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows were not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The handler's own reason.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ProjectionError {
    /// Wraps a handler's own reason.
    #[must_use]
    pub fn failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(reason.into())
    }

    pub(super) fn is_fenced(&self) -> bool {
        matches!(self, Self::Commit(CommitError::Fenced { .. }))
    }
}

impl ErrorCode for ProjectionError {
    fn code(&self) -> Code {
        match self {
            Self::Decode { source, .. } => source.code(),
            Self::Panicked { .. } => Code::PANICKED,
            Self::Row { .. } => Code::ROW_CONTENT,
            Self::Id(_) => Code::INVALID_ID,
            Self::Read(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Failed(_) => Code::PROJECTION_FAILED,
        }
    }
}

/// A read model could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row is not what this build expects.
    #[error(
        "a row of table `{table}` cannot be read: if the type of the rows has changed, give the \
         projection the next `version`, so that it is built anew"
    )]
    Row {
        /// The table.
        table: String,
        /// What the codec says.
        source: CodecError,
    },
}

impl ErrorCode for ViewError {
    fn code(&self) -> Code {
        match self {
            Self::Read(error) => error.code(),
            Self::Row { .. } => Code::ROW_CONTENT,
        }
    }
}

/// A read model or event handler did not reach a commit.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// It did not get there in time.
    #[error("`{reader}` is at position {reached}, not yet at {wanted}")]
    TooLate {
        /// The projection or event handler.
        reader: Arc<str>,
        /// Where it is.
        reached: Position,
        /// Where it should be.
        wanted: Position,
    },
    /// It stands still on an error.
    #[error("`{reader}` stands at position {reached}: {reason}")]
    Stuck {
        /// The projection or event handler.
        reader: Arc<str>,
        /// Where it is.
        reached: Position,
        /// Why.
        reason: Arc<str>,
    },
    /// The application has stopped.
    #[error("the application has stopped")]
    Stopped,
    /// The commit's position cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}
