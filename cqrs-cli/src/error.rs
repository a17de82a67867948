//! Why a command was not carried out, and how the program ends then.

use std::io;
use std::path::PathBuf;

use cqrs_archive::ArchiveError;
use cqrs_core::store::ReadError;

use crate::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Sqlite(#[from] cqrs_sqlite::OpenError),
    #[error(transparent)]
    Postgres(#[from] cqrs_postgres::OpenError),
    #[error("{place}")]
    Archive { place: String, source: ArchiveError },
    #[error("{}: cannot be opened", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("nobody reads what is written")]
    Output(#[from] io::Error),
}

impl CliError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Sqlite(error) => of_sqlite(error),
            Self::Postgres(error) => of_postgres(error),
            Self::Archive { source, .. } => of_archive(source),
            Self::File { .. } | Self::Output(_) => Exit::Failed,
        }
    }
}

fn of_sqlite(error: &cqrs_sqlite::OpenError) -> Exit {
    use cqrs_sqlite::OpenError::{
        Altered, Foreign, NewerSchema, NoSuchMigration, NotADatabase, NotMigrated, WouldDelete,
    };
    match error {
        NoSuchMigration { .. } => Exit::Usage,
        Altered { .. } | Foreign { .. } | NewerSchema { .. } => Exit::Refused,
        NotMigrated { .. } | WouldDelete { .. } => Exit::Refused,
        NotADatabase { .. } => Exit::Damaged,
        _ => Exit::Failed,
    }
}

fn of_postgres(error: &cqrs_postgres::OpenError) -> Exit {
    use cqrs_postgres::OpenError::{
        Altered, Foreign, Mode, NewerSchema, NoEncryption, NoSuchMigration, NotMigrated, OldServer,
        Pooler, SchemaName, Setting, Untrusted, Url, WouldDelete,
    };
    match error {
        NoSuchMigration { .. } | SchemaName { .. } | Url { .. } => Exit::Usage,
        Altered { .. } | Foreign { .. } | NewerSchema { .. } | Mode { .. } => Exit::Refused,
        NotMigrated { .. } | WouldDelete { .. } => Exit::Refused,
        NoEncryption { .. } | Untrusted { .. } => Exit::Refused,
        OldServer { .. } | Pooler { .. } | Setting { .. } => Exit::Refused,
        _ => Exit::Failed,
    }
}

fn of_archive(error: &ArchiveError) -> Exit {
    match error {
        ArchiveError::Malformed { .. }
        | ArchiveError::CutOff { .. }
        | ArchiveError::Damaged { .. }
        | ArchiveError::Read(ReadError::Damaged { .. }) => Exit::Damaged,
        ArchiveError::NewerFormat { .. } => Exit::Refused,
        ArchiveError::Commit { source, .. } if !source.is_retryable() || source.is_conflict() => {
            Exit::Refused
        }
        _ => Exit::Failed,
    }
}
