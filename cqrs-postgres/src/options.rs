//! How a store is opened.

use std::fmt;
use std::time::Duration;

use cqrs_core::store::Limits;
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use crate::address::Address;
use crate::{OpenError, PostgresStore};

/// Settings of a [`PostgresStore`]; the defaults suit most applications.
///
/// ```no_run
/// # async fn run() -> Result<(), cqrs_postgres::OpenError> {
/// let store = cqrs_postgres::PostgresStore::options("postgres://bank@db.example/bank")
///     .schema("ledger")
///     .connections(8)
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until `open` is called"]
pub struct PostgresOptions {
    pub(crate) url: String,
    pub(crate) schema: String,
    pub(crate) connections: usize,
    pub(crate) wait: Duration,
    pub(crate) idle: Duration,
    pub(crate) limits: Limits,
    pub(crate) migrate: bool,
    pub(crate) patience: Duration,
}

impl PostgresOptions {
    pub(crate) fn new(url: String) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            url,
            schema: "cqrs".to_owned(),
            connections: cores.clamp(2, 16),
            wait: Duration::from_secs(5),
            idle: Duration::from_secs(600),
            limits: Limits::default(),
            migrate: true,
            patience: Duration::from_secs(3),
        }
    }

    /// The schema of the log. Default `cqrs`; several logs may live in one
    /// database, each in its own.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How many connections may read at once, at least 1; one more writes, and
    /// one listens. Default: the number of cores, from 2 to 16.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long a read waits for one of the pool's connections. Default 5 s.
    /// Where a new one has to be made, the URL's `connect_timeout` comes on top
    /// (5 s where it says none).
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a connection of the pool may be idle before it is closed; it may
    /// take twice as long. Default 10 minutes.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The limits that every unit of work is held to.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether missing migrations are run. Default yes; turn it off for a role
    /// that may not, and run [`script`](crate::script) or
    /// [`Migrator`](crate::Migrator) as one that may.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// How long a unit whose connection broke waits for another one, on which
    /// its outcome can be looked up; beyond it, the outcome is unknown.
    /// Default 3 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Opens the store over connections that are encrypted as the URL says;
    /// see [the crate](crate).
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells what keeps the database from being a durable log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened. A migration is run
    /// whole or not at all.
    pub async fn open(self) -> Result<PostgresStore, OpenError> {
        check_schema(&self.schema)?;
        let server = Address::parse(&self.url)?.server()?;
        PostgresStore::start(self, server).await
    }

    /// Opens the store over connections that `tls` encrypts, where that of
    /// [`open`](Self::open) does not do: with a certificate of the client, or by
    /// another library.
    ///
    /// # Errors
    ///
    /// As [`PostgresOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// As [`PostgresOptions::open`].
    pub async fn open_with<T>(self, tls: T) -> Result<PostgresStore, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        check_schema(&self.schema)?;
        let server = Address::parse(&self.url)?.server_by(tls)?;
        PostgresStore::start(self, server).await
    }
}

/// Schemas are named so that no statement needs quotes.
pub(crate) fn check_schema(name: &str) -> Result<(), OpenError> {
    let form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=48).contains(&name.len())
        && name.bytes().all(form)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("pg_");
    if fits { Ok(()) } else { Err(OpenError::SchemaName { name: name.chars().take(64).collect() }) }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
