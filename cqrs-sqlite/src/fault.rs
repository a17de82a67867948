//! What SQLite reports, and what that means for a caller.

use std::sync::Arc;

use cqrs_core::store::{CommitError, ReadError};
use rusqlite::ErrorCode;

pub(crate) type Outcome<T> = Result<T, Fault>;

/// Extended codes of a flush that failed: SQLITE_IOERR_FSYNC and
/// SQLITE_IOERR_DIR_FSYNC.
const FAILED_FLUSH: [i32; 2] = [1034, 1290];

/// A statement failed, or what it found cannot have been written by us.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Damaged(format!("a column holds a value of another type ({error})"))
    }
}

impl Fault {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Damaged(_) => None,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    pub(crate) fn is_failed_flush(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                FAILED_FLUSH.contains(&error.extended_code)
            }
            _ => false,
        }
    }

    /// Whether a `COMMIT` that failed so has certainly not committed, given
    /// that the roll-back succeeded. SQLite writes the frame that commits
    /// last, so that a full disk cannot have let it through.
    pub(crate) fn proves_no_commit(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::ReadOnly
            )
        )
    }

    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::Utf8Error(..),
            ) => true,
            Self::Sqlite(_) => {
                matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
        }
    }

    /// What happened and what to do, for an operator.
    pub(crate) fn reason(&self, path: &str) -> Arc<str> {
        let advice = match self.code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process has held the database for longer than the busy timeout"
            }
            Some(ErrorCode::DiskFull) => "free space on its disk or raise its quota",
            Some(ErrorCode::ReadOnly) => "make the file and its folder writable",
            Some(ErrorCode::SystemIoFailure) => "check the disk, then reopen the store",
            Some(ErrorCode::OutOfMemory) => "give the process more memory",
            _ if self.is_damage() => {
                "run `PRAGMA integrity_check` and restore a backup if it fails"
            }
            _ => "this is not expected; please report it",
        };
        format!("{path}: {self}; {advice}").into()
    }

    pub(crate) fn into_read_error(self, path: &str) -> ReadError {
        let reason = self.reason(path);
        if self.is_damage() {
            ReadError::Damaged { reason }
        } else {
            ReadError::Unavailable { reason }
        }
    }

    /// For a unit of which certainly nothing was written.
    pub(crate) fn into_commit_error(self, path: &str) -> CommitError {
        CommitError::Unavailable { reason: self.reason(path), transient: self.is_busy() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(extended: i32) -> Fault {
        Fault::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(extended), None))
    }

    #[test]
    fn only_what_cannot_have_committed_counts_as_not_committed() {
        let (busy, full, readonly) = (sqlite(5), sqlite(13), sqlite(8));
        assert!([busy, full, readonly].iter().all(Fault::proves_no_commit));
        let (io, write, fsync) = (sqlite(10), sqlite(10 | (3 << 8)), sqlite(10 | (4 << 8)));
        assert!(![io, write, fsync].iter().any(Fault::proves_no_commit));
    }

    #[test]
    fn a_failed_flush_is_recognised() {
        assert!(sqlite(10 | (4 << 8)).is_failed_flush());
        assert!(sqlite(10 | (5 << 8)).is_failed_flush());
        assert!(!sqlite(10 | (3 << 8)).is_failed_flush());
        assert!(!sqlite(13).is_failed_flush());
    }

    #[test]
    fn a_missing_row_is_damage_and_a_full_disk_is_not() {
        let missing = Fault::from(rusqlite::Error::QueryReturnedNoRows);
        assert!(matches!(missing.into_read_error("x"), ReadError::Damaged { .. }));
        assert!(matches!(sqlite(11).into_read_error("x"), ReadError::Damaged { .. }));
        assert!(matches!(sqlite(13).into_read_error("x"), ReadError::Unavailable { .. }));
    }
}
