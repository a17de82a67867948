//! Why a store could not be opened, or a file not be migrated.

use std::path::PathBuf;

use crate::fault::Fault;

/// A store could not be opened, or its file not be migrated. Nothing in the file
/// was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder that should hold the file does not exist.
    #[error("{}: its folder does not exist; create it first", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The file is no SQLite database, or one that is damaged.
    #[error(
        "{}: {reason}; this is no intact SQLite database, name another file or restore a backup",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file is a SQLite database with something else in it.
    #[error("{}: holds the tables of another program, such as `{table}`; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// One of its tables.
        table: String,
    },
    /// The file does not hold a log, or an older one, and was not to be changed.
    #[error(
        "{}: lacks migration {missing}; open with `migrate(true)`, or run the migrations first",
        path.display()
    )]
    NotMigrated {
        /// The file.
        path: PathBuf,
        /// The first migration that was not run.
        missing: u32,
    },
    /// A later release of this crate has migrated the file.
    #[error(
        "{}: has migration {found}, this release knows up to {known}; use a later release",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The newest migration that was run.
        found: u32,
        /// The newest one that this release knows.
        known: u32,
    },
    /// Somebody has changed what the migrations made.
    #[error("{}: the {what} is not as the migrations made it; undo the change", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// What was changed.
        what: String,
    },
    /// Another process holds the file for itself.
    #[error(
        "{}: another process holds it locked; end that process or raise the busy timeout",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{}: cannot be written; make the file and its folder writable", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// A setting without which a commit would not be durable does not hold.
    #[error(
        "{}: `{setting}` is `{actual}` and must be `{required}`; \
         use a local disk, network file systems cannot hold a store", path.display()
    )]
    Setting {
        /// The file.
        path: PathBuf,
        /// The setting.
        setting: &'static str,
        /// What it must be.
        required: &'static str,
        /// What SQLite made of it.
        actual: String,
    },
    /// There is no such migration to go to.
    #[error("there is no migration {number}; this release knows 0 to {known}")]
    NoSuchMigration {
        /// The number.
        number: u32,
        /// The newest one.
        known: u32,
    },
    /// Going down would delete events.
    #[error(
        "{}: holds {events} events, which going down would delete; pass `delete_events` to do it",
        path.display()
    )]
    WouldDelete {
        /// The file.
        path: PathBuf,
        /// How many.
        events: u64,
    },
    /// Something else kept the store from opening.
    #[error("{}: {reason}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// What was reported.
        reason: String,
    },
}

impl OpenError {
    pub(crate) fn new(path: &std::path::Path, fault: &Fault) -> Self {
        use rusqlite::ErrorCode;
        let (path, reason) = (path.to_owned(), fault.to_string());
        let code = match fault {
            Fault::Sqlite(error) => error.sqlite_error_code(),
            Fault::Damaged(_) => Some(ErrorCode::DatabaseCorrupt),
        };
        match code {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::NotADatabase { path, reason }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            _ => Self::Unavailable { path, reason },
        }
    }
}
