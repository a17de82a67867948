//! What can go wrong at a store, by situation.

use std::sync::Arc;

use super::{
    CheckpointName, Epoch, ExpectedVersion, LeaseName, LeaseToken, LogId, PartitionName, Position,
    StreamId, StreamVersion,
};
use crate::error::{Code, ErrorCode};
use crate::message::{OperationId, TenantId};

/// A unit of work did not commit, or nobody can tell.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A stream is not at the version that the unit expects. Nothing written.
    #[error("stream {stream} is at version {actual}, the unit expects {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the unit asked for.
        expected: ExpectedVersion,
        /// Where the stream is.
        actual: StreamVersion,
    },
    /// An event that the unit's query matches stands after the position up to
    /// which the unit has read. Nothing written.
    #[error("an event at position {at} matches the unit's query, which was read up to {read_to}")]
    QueryConflict {
        /// Where the matching event is.
        at: Position,
        /// How far the unit had read.
        read_to: Position,
    },
    /// A unit that this one was decided on did not commit. Nothing written;
    /// decide again on fresh state.
    #[error("a unit that this one builds on did not commit")]
    Superseded,
    /// The operation is already recorded with other content. Nothing written.
    #[error("operation {operation} was already used for other content")]
    OperationReused {
        /// The operation.
        operation: OperationId,
    },
    /// Another worker has taken the checkpoint over. Nothing written.
    #[error("checkpoint {checkpoint} was taken over: held epoch {held}, now {actual}")]
    Fenced {
        /// The checkpoint.
        checkpoint: CheckpointName,
        /// The epoch of the unit.
        held: Epoch,
        /// The epoch of the store.
        actual: Epoch,
    },
    /// The lease that fences the unit has ended, or somebody else has it.
    /// Nothing written.
    #[error("lease {lease} is lost: held token {held}, now {actual}")]
    LeaseLost {
        /// The lease.
        lease: LeaseName,
        /// The token of the unit.
        held: LeaseToken,
        /// The newest token; the same if the lease has ended and nobody has
        /// taken it since.
        actual: LeaseToken,
    },
    /// The unit breaks a limit or a rule of form. Nothing written.
    #[error(transparent)]
    Invalid(InvalidInput),
    /// Too much waits for the store already. Nothing written; try later.
    #[error("the store is overloaded: {waiting} bytes wait, the limit is {limit}")]
    Overloaded {
        /// Bytes that wait.
        waiting: usize,
        /// The limit.
        limit: usize,
    },
    /// The store cannot write now. Nothing written.
    #[error("the store cannot write: {reason}")]
    Unavailable {
        /// What the store says, and what to do.
        reason: Arc<str>,
        /// Whether the same unit may succeed later without anybody's help.
        transient: bool,
    },
    /// The unit may or may not have committed. Ask with the operation's id.
    #[error("it is unknown whether operation {operation} committed: {reason}")]
    Unknown {
        /// The operation to resolve.
        operation: OperationId,
        /// What happened.
        reason: Arc<str>,
    },
}

/// Input that no store accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// Something is larger than its limit.
    #[error("{what} is too large: {actual}, the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The size, in bytes or pieces as `what` says.
        actual: usize,
    },
    /// A name is empty or holds a control character.
    #[error("{what} is empty or holds a control character: {name:?}")]
    Name {
        /// What is named.
        what: &'static str,
        /// The beginning of the name.
        name: String,
    },
    /// One unit appends to a stream in two places.
    #[error("stream {stream} stands twice in one unit of work")]
    StreamTwice {
        /// The stream.
        stream: StreamId,
    },
    /// A unit touches a stream of a tenant that does not live in this partition.
    #[error(
        "tenant {tenant:?} does not live in partition {partition}, but {}",
        home.as_ref().map_or("was never added".to_owned(), |home| format!("in {home}"))
    )]
    OtherPartition {
        /// The tenant.
        tenant: TenantId,
        /// The partition that was asked to write.
        partition: PartitionName,
        /// The tenant's partition, if it has one.
        home: Option<PartitionName>,
    },
}

/// A read failed. Reads never change anything and may be repeated.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The cursor belongs to another log, or to this one before a restore.
    #[error(
        "the cursor belongs to log {cursor}, this is log {log}; start again from the beginning"
    )]
    OtherLog {
        /// The cursor's log.
        cursor: LogId,
        /// The store's log.
        log: LogId,
    },
    /// The store cannot read now.
    #[error("the store cannot read: {reason}")]
    Unavailable {
        /// What the store says, and what to do.
        reason: Arc<str>,
    },
    /// What is stored is not what the store wrote.
    #[error("the store is damaged: {reason}")]
    Damaged {
        /// What was found, and where.
        reason: Arc<str>,
    },
}

impl CommitError {
    /// Whether the unit lost against another writer.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::QueryConflict { .. } | Self::Superseded)
    }

    /// Whether the same request may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Overloaded { .. } | Self::Unknown { .. } => true,
            Self::Unavailable { transient, .. } => *transient,
            other => other.is_conflict(),
        }
    }
}

impl ErrorCode for CommitError {
    fn code(&self) -> Code {
        match self {
            Self::Conflict { .. } | Self::QueryConflict { .. } | Self::Superseded => Code::CONFLICT,
            Self::OperationReused { .. } => Code::OPERATION_REUSED,
            Self::Fenced { .. } | Self::LeaseLost { .. } => Code::FENCED,
            Self::Invalid(InvalidInput::OtherPartition { home: None, .. }) => Code::UNKNOWN_TENANT,
            Self::Invalid(InvalidInput::OtherPartition { .. }) => Code::OTHER_PARTITION,
            Self::Invalid(_) => Code::INVALID_INPUT,
            Self::Overloaded { .. } => Code::OVERLOADED,
            Self::Unavailable { .. } => Code::STORE_UNAVAILABLE,
            Self::Unknown { .. } => Code::OUTCOME_UNKNOWN,
        }
    }
}

impl ReadError {
    /// Whether the same read may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl ErrorCode for ReadError {
    fn code(&self) -> Code {
        match self {
            Self::OtherLog { .. } => Code::OTHER_LOG,
            Self::Unavailable { .. } => Code::STORE_UNAVAILABLE,
            Self::Damaged { .. } => Code::STORE_DAMAGED,
        }
    }
}
