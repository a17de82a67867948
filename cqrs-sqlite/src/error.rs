//! Why a store could not be opened.

use std::path::PathBuf;

use crate::fault::Fault;

/// A store could not be opened. Nothing in the file was changed.
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
    /// A later release of this crate has written the file.
    #[error(
        "{}: has format {found}, this release reads up to {supported}; use a later release",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The newest format that this release knows.
        supported: u32,
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
