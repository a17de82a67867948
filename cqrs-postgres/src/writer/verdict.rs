//! What becomes of each unit of a group.

use cqrs_core::OperationId;
use cqrs_core::message::Timestamp;
use cqrs_core::store::{
    Commit, CommitError, CommitToken, LogId, Position, StreamId, StreamVersion, UnitOfWork,
};

/// What becomes of a unit if the draft is confirmed.
pub(super) enum Verdict {
    Commits {
        /// Of each stream its place among the believed ones, and how many events the
        /// group has added by then.
        streams: Vec<(StreamId, usize, i64)>,
        place: i64,
        recorded_at: i64,
    },
    Recorded(Commit),
    Refused(CommitError),
    /// An event of the group, at this place, meets a guard.
    Hits {
        place: i64,
        read_to: Position,
    },
}

impl Verdict {
    pub(super) fn outcome(
        self,
        operation: OperationId,
        log: LogId,
        (head, last_recorded): (i64, i64),
        versions: &[i64],
    ) -> Result<Commit, CommitError> {
        match self {
            Self::Commits { streams, place, recorded_at } => {
                let streams = streams.into_iter().map(|(stream, place, added)| {
                    let before = versions.get(place).copied().unwrap_or_default();
                    (stream, StreamVersion::new((before + added).cast_unsigned()))
                });
                let streams = streams.collect();
                let token = CommitToken::new(log, (head + place).cast_unsigned());
                let recorded_at = Timestamp::from_micros(recorded_at.max(last_recorded));
                Ok(Commit::new(operation, streams, token, recorded_at))
            }
            Self::Recorded(commit) => Ok(commit),
            Self::Refused(error) => Err(error),
            Self::Hits { place, read_to } => {
                let at = Position::new((head + place).cast_unsigned());
                Err(CommitError::QueryConflict { at, read_to })
            }
        }
    }
}

/// What a unit learns that nothing tells apart from one that did not commit.
pub(super) fn unknown(work: &UnitOfWork) -> CommitError {
    let reason = "its answer was lost, and it would be refused now; look at what it wrote".into();
    CommitError::Unknown { operation: work.operation().id(), reason }
}

/// What a unit learns whose operation is recorded. One that was fresh has
/// recorded it itself, before its connection broke.
pub(super) fn again(work: &UnitOfWork, commit: &Commit) -> Verdict {
    let operation = work.operation();
    if operation.is_fresh() {
        Verdict::Recorded(commit.clone())
    } else if commit.fingerprint() == work.fingerprint() {
        Verdict::Recorded(commit.clone().repeated())
    } else {
        Verdict::Refused(CommitError::OperationReused { operation: operation.id() })
    }
}
