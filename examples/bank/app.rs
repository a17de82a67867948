//! The bank, put together on a store.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use cqrs_core::prelude::*;
use cqrs_core::registry::BuildError;
use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;

use super::journal::Journal;

/// Where the bank keeps its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// In memory, until the program ends.
    Memory,
    /// In a SQLite database.
    Sqlite(PathBuf),
    /// In a PostgreSQL database.
    Postgres(String),
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            Some(("postgres", url)) if !url.is_empty() => Ok(Self::Postgres(url.to_owned())),
            _ => {
                Err("write `memory`, `sqlite:` and the path of a file, or `postgres:` and the URL \
                      of a database"
                    .to_owned())
            }
        }
    }
}

/// The bank cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no database to ask.
    #[error("{}: there is no such database; import a ledger first", path.display())]
    NoDatabase {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Sqlite(#[from] cqrs_sqlite::OpenError),
    /// The server cannot be used.
    #[error(transparent)]
    Postgres(#[from] cqrs_postgres::OpenError),
    /// The application is not complete.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Opens the bank; `create` says whether a database may be made.
///
/// # Errors
///
/// [`OpenError`].
pub async fn open(choice: &StoreChoice, create: Create) -> Result<App, OpenError> {
    let store = match choice {
        StoreChoice::Memory => Store::new(MemoryStore::new()),
        StoreChoice::Sqlite(path) if create == Create::No && !path.exists() => {
            return Err(OpenError::NoDatabase { path: path.clone() });
        }
        StoreChoice::Sqlite(path) => Store::new(SqliteStore::open(path).await?),
        StoreChoice::Postgres(url) => {
            let options = PostgresStore::options(url.as_str()).schema("bank");
            Store::new(options.migrate(create == Create::Yes).open().await?)
        }
    };
    Ok(build(store)?)
}

/// Whether a missing database is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// It is.
    Yes,
    /// It is an error.
    No,
}

/// Builds the bank on a store.
///
/// # Errors
///
/// [`BuildError`].
pub fn build(store: Store) -> Result<App, BuildError> {
    let journal = Arc::new(Journal::new(store.clone()));
    App::builder().modules(modules![crate::bank]).store(store).provide::<Journal>(journal).build()
}
