//! Where a log is, and how it is opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;

use crate::error::CliError;

/// A place where a log is kept: `sqlite:PATH`, `postgres:URL`, or a URL that
/// begins with `postgres://`.
///
/// ```
/// use cqrs_cli::Place;
/// assert_eq!("sqlite:bank.db".parse(), Ok(Place::Sqlite("bank.db".into())));
/// assert!("bank.db".parse::<Place>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A URL of a database.
    Postgres(String),
}

/// A text that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `sqlite:` and the path of a file, or `postgres:` and the URL of a database")]
pub struct NoPlace;

/// Whether opening may make or raise the tables of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    Made,
    Kept,
}

impl Place {
    pub(crate) async fn open(&self, schema: &str, tables: Tables) -> Result<Store, CliError> {
        let migrate = tables == Tables::Made;
        Ok(match self {
            Self::Sqlite(path) => {
                Store::new(SqliteStore::options().path(path).migrate(migrate).open().await?)
            }
            Self::Postgres(url) => {
                let options = PostgresStore::options(url).schema(schema).connections(2);
                Store::new(options.migrate(migrate).open().await?)
            }
        })
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            Some(("postgres", url)) if !url.is_empty() => Ok(Self::Postgres(url.to_owned())),
            _ => Err(NoPlace),
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}
