//! Migrations on their own, for a role that may change tables.

use std::fmt;

use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use crate::OpenError;
use crate::address::Address;
use crate::migrations::{MIGRATIONS, Migrations};
use crate::options::check_schema;
use crate::server::{Connection, Server};
use crate::sql::Sql;

/// Moves the schema of a log up and down. One process at a time does; others
/// wait.
///
/// ```no_run
/// # async fn run() -> Result<(), cqrs_postgres::OpenError> {
/// let migrator = cqrs_postgres::Migrator::connect("postgres://owner@db.example/bank", "cqrs").await?;
/// migrator.up().await?;
/// assert_eq!(migrator.current().await? as usize, cqrs_postgres::MIGRATIONS.len());
/// # Ok(())
/// # }
/// ```
pub struct Migrator {
    server: Server,
    sql: Sql,
}

impl Migrator {
    /// Connects over connections that are encrypted as the URL says; see
    /// [the crate](crate).
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells why the server cannot be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn connect(url: &str, schema: &str) -> Result<Self, OpenError> {
        check_schema(schema)?;
        Self::of(Address::parse(url)?.server()?, schema).await
    }

    /// Connects over connections that `tls` encrypts.
    ///
    /// # Errors
    ///
    /// As [`Migrator::connect`].
    ///
    /// # Cancel safety
    ///
    /// As [`Migrator::connect`].
    pub async fn connect_with<T>(url: &str, schema: &str, tls: T) -> Result<Self, OpenError>
    where
        T: MakeTlsConnect<tokio_postgres::Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        check_schema(schema)?;
        Self::of(Address::parse(url)?.server_by(tls)?, schema).await
    }

    async fn of(server: Server, schema: &str) -> Result<Self, OpenError> {
        let migrator = Self { server, sql: Sql::new(schema) };
        let connection = migrator.connection().await?;
        migrator.server.inspect(&connection.client).await?;
        Ok(migrator)
    }

    /// Each call has a connection of its own, so that one whose future is
    /// dropped leaves neither the lock nor a transaction behind.
    async fn connection(&self) -> Result<Connection, OpenError> {
        let connection = self.server.connect().await;
        connection.map_err(|fault| OpenError::of(&fault, self.server.label()))
    }

    fn on<'m>(&'m self, connection: &'m Connection) -> Migrations<'m> {
        let Self { server, sql } = self;
        Migrations { server, client: &connection.client, sql }
    }

    /// The newest migration that was run, 0 for none.
    ///
    /// # Errors
    ///
    /// [`OpenError::Altered`], [`OpenError::NewerSchema`] or
    /// [`OpenError::Foreign`] when the schema is not what this release made.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn current(&self) -> Result<u32, OpenError> {
        let connection = self.connection().await?;
        Ok(self.on(&connection).look().await?.number)
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
        let connection = self.connection().await?;
        let migrations = self.on(&connection);
        if migrations.look().await?.number == 0 { Ok(0) } else { migrations.held().await }
    }

    /// Runs what is missing.
    ///
    /// # Errors
    ///
    /// As [`Migrator::current`], and when the server refuses a statement; each
    /// migration is run whole or not at all.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; the migration under way is
    /// run whole or not at all.
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
        let connection = self.connection().await?;
        self.on(&connection).up(to).await
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
    /// Dropping the future closes the connection; everything is taken back or
    /// nothing.
    pub async fn down(&self, to: u32, delete_events: bool) -> Result<(), OpenError> {
        let connection = self.connection().await?;
        self.on(&connection).down(to, delete_events).await
    }
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator")
            .field("server", &self.server.label())
            .field("schema", &self.sql.schema())
            .finish()
    }
}
