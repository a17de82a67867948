//! Migrations on their own, without opening a store.

use std::fmt;
use std::path::PathBuf;

use crate::connection;
use crate::migrations::{MIGRATIONS, Migrations};
use crate::options::SqliteOptions;
use crate::{OpenError, SqliteStore};

/// Moves the tables of a log up and down. One process at a time does; others
/// wait for as long as the busy timeout.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cqrs_sqlite::OpenError> {
/// # let folder = tempfile::tempdir().expect("there is room");
/// # let path = folder.path().join("bank.db");
/// let migrator = cqrs_sqlite::Migrator::connect(path).await?;
/// migrator.up().await?;
/// assert_eq!(migrator.current().await? as usize, cqrs_sqlite::MIGRATIONS.len());
/// # Ok(())
/// # }
/// ```
pub struct Migrator {
    options: SqliteOptions,
}

impl Migrator {
    /// Looks at a file. One that is not there is made by [`up`](Self::up).
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells why the file cannot be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn connect(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let migrator = Self { options: SqliteStore::options().path(path) };
        migrator.current().await?;
        Ok(migrator)
    }

    /// The newest migration that was run, 0 for none.
    ///
    /// # Errors
    ///
    /// [`OpenError::Altered`], [`OpenError::NewerSchema`] or
    /// [`OpenError::Foreign`] when the file is not what this release made.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn current(&self) -> Result<u32, OpenError> {
        self.look(|migrations| Ok(migrations.look()?.number)).await
    }

    /// How many events the log holds, 0 without a log.
    ///
    /// # Errors
    ///
    /// As [`Migrator::current`].
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn events(&self) -> Result<u64, OpenError> {
        self.look(
            |migrations| if migrations.look()?.number == 0 { Ok(0) } else { migrations.held() },
        )
        .await
    }

    /// Runs what is missing.
    ///
    /// # Errors
    ///
    /// As [`Migrator::current`], and when the file cannot be written; all of it
    /// is run or nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what was begun: all of it is run or
    /// nothing.
    pub async fn up(&self) -> Result<(), OpenError> {
        self.up_to(MIGRATIONS.len() as u32).await
    }

    /// Runs what is missing up to `to`, with it.
    ///
    /// # Errors
    ///
    /// As [`Migrator::up`]; [`OpenError::NoSuchMigration`].
    ///
    /// # Cancel safety
    ///
    /// As [`Migrator::up`].
    pub async fn up_to(&self, to: u32) -> Result<(), OpenError> {
        self.run(move |options| {
            let connection = connection::writer(options)?;
            let path = &connection::label(options);
            Migrations { connection: &connection, path }.up(to)
        })
        .await
    }

    /// Takes back every migration above `to`; 0 takes everything back. A log
    /// that holds events goes only with `delete_events`.
    ///
    /// # Errors
    ///
    /// As [`Migrator::up`]; [`OpenError::WouldDelete`] and
    /// [`OpenError::NoSuchMigration`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what was begun: all of it is taken
    /// back or nothing.
    pub async fn down(&self, to: u32, delete_events: bool) -> Result<(), OpenError> {
        self.run(move |options| {
            let Some(_) = connection::existing(options)? else {
                return crate::migrations::known(to);
            };
            let connection = connection::writer(options)?;
            let path = &connection::label(options);
            Migrations { connection: &connection, path }.down(to, delete_events)
        })
        .await
    }

    /// Looks at a file; one that is not there holds nothing.
    async fn look<T: Default + Send + 'static>(
        &self,
        look: impl FnOnce(&Migrations<'_>) -> Result<T, OpenError> + Send + 'static,
    ) -> Result<T, OpenError> {
        self.run(|options| {
            let Some(connection) = connection::existing(options)? else { return Ok(T::default()) };
            look(&Migrations { connection: &connection, path: &connection::label(options) })
        })
        .await
    }

    /// Runs something that waits for the disk where that may be.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SqliteOptions) -> Result<T, OpenError> + Send + 'static,
    ) -> Result<T, OpenError> {
        let options = self.options.clone();
        let path = connection::label(&options);
        let done = tokio::task::spawn_blocking(move || work(&options)).await;
        done.unwrap_or_else(|_| {
            let reason = "the runtime has ended".to_owned();
            Err(OpenError::Unavailable { path, reason })
        })
    }
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").field("path", &self.options.path).finish()
    }
}
