//! The store: handles on one writing task and a pool that reads.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, CommitToken, CommitWatch,
    Direction, EventStore, Holder, Lease, LeaseError, LeaseName, Limits, LogId, LogInfo, Page,
    PagePool, Position, ReadError, ReadRequest, RecordedOperation, Snapshot, StreamId,
    StreamVersion, TableName, UnitOfWork,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::lock::StreamLock;
use crate::migrations::{MIGRATIONS, Migrations};
use crate::names::Names;
use crate::options::PostgresOptions;
use crate::pool::{PoolStatus, Readers};
use crate::server::Server;
use crate::session::Session;
use crate::sql::Sql;
use crate::writer::{self, Parts, Writer};
use crate::{OpenError, leases, reader, wake};

/// Runs what may be repeated on a connection of the pool, and again if that
/// turns out to be broken. (A function could not promise that its future may be
/// sent.)
macro_rules! pooled {
    ($store:expr, $session:ident => $read:expr) => {{
        let mut broken = 0;
        loop {
            let session = match $store.0.readers.session().await {
                Ok(session) => session,
                Err(fault) => break Err(fault),
            };
            let outcome = {
                let $session = &session;
                $read.await
            };
            match outcome {
                Err(fault) if $store.0.readers.is_run_again(&fault, &mut broken) => {}
                Ok(read) if session.is_left() => {
                    drop(session);
                    break $store.0.readers.look_at_log().await.map(|()| read);
                }
                outcome => break outcome,
            }
        }
    }};
}

macro_rules! reading {
    ($store:expr, $session:ident => $read:expr) => {{
        let server = $store.0.server.label();
        pooled!($store, $session => $read).map_err(|fault| fault.into_read_error(server))
    }};
}

macro_rules! leasing {
    ($store:expr, $session:ident => $ask:expr) => {{
        let server = $store.0.server.label();
        pooled!($store, $session => $ask).map_err(|fault| fault.into_lease_error(server))
    }};
}

/// A log in a PostgreSQL database. Clones share one writing task.
///
/// The task lives on the runtime on which the store was opened. Dropping the
/// last handle lets it finish what was handed over.
#[derive(Clone)]
pub struct PostgresStore(Arc<Shared>);

struct Shared {
    server: Server,
    sql: Arc<Sql>,
    limits: Limits,
    log: LogId,
    signal: Arc<CommitSignal>,
    names: Arc<Names>,
    readers: Readers,
    pages: PagePool,
    writer: Writer,
    tasks: [JoinHandle<()>; 3],
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl PostgresStore {
    /// Opens the log in schema `cqrs` of a database, or creates it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells what keeps the database from being a durable log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened. A migration is run
    /// whole or not at all.
    pub async fn open(url: impl Into<String>) -> Result<Self, OpenError> {
        Self::options(url).open().await
    }

    /// The settings with which a store can be opened.
    pub fn options(url: impl Into<String>) -> PostgresOptions {
        PostgresOptions::new(url.into())
    }

    #[expect(clippy::disallowed_methods, reason = "a store is opened before an application")]
    pub(crate) async fn start(options: PostgresOptions, server: Server) -> Result<Self, OpenError> {
        let failed = |fault: Fault| OpenError::of(&fault, server.label());
        let sql = Arc::new(Sql::new(&options.schema));
        let connection = server.connect().await.map_err(failed)?;
        server.inspect(&connection.client).await?;
        let migrations = Migrations { server: &server, client: &connection.client, sql: &sql };
        let found = migrations.look().await?.number;
        let newest = MIGRATIONS.len() as u32;
        if found < newest {
            if !options.migrate {
                let (server, schema) = (server.label().to_owned(), options.schema.clone());
                return Err(OpenError::NotMigrated { server, schema, missing: found + 1 });
            }
            migrations.up(newest).await?;
        }
        let log = migrations.log().await?;
        let readers = Readers::new(&server, &options, &sql, log).map_err(failed)?;
        let session = Session::own(connection, Arc::clone(&sql));
        if readers.share(&session).await.map_err(failed)? {
            return Err(OpenError::Pooler { server: server.label().to_owned() });
        }
        let head = reader::head(&session).await.map_err(failed)?;
        let signal = Arc::new(CommitSignal::new(head));
        let (names, committed) = (Arc::new(Names::new()), Arc::new(Notify::new()));
        let channel = wake::channel(log);
        let tell = wake::tell(
            readers.clone(),
            channel.clone(),
            Arc::clone(&committed),
            Arc::downgrade(&signal),
        );
        let listen = server.listen(channel, Arc::downgrade(&signal));
        let close_idle = readers.clone().close_idle(options.idle);
        let tasks = [tokio::spawn(tell), tokio::spawn(listen), tokio::spawn(close_idle)];
        let parts = Parts {
            server: server.clone(),
            sql: Arc::clone(&sql),
            log: LogId::from_uuid(log),
            names: Arc::clone(&names),
            signal: Arc::clone(&signal),
            committed,
            session,
            patience: options.patience,
        };
        let writer = Writer::start(parts, options.limits.clone());
        Ok(Self(Arc::new(Shared {
            server,
            sql,
            limits: options.limits,
            log: LogId::from_uuid(log),
            signal,
            names,
            readers,
            pages: PagePool::default(),
            writer,
            tasks,
        })))
    }

    /// Takes the lock of a stream among all processes, for work beside the log;
    /// `None` if somebody else holds it for as long as `wait`. It has a
    /// connection of its own.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`] when the server cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the lock back, at the latest once `wait` is
    /// over.
    pub async fn lock(
        &self,
        stream: &StreamId,
        wait: Duration,
    ) -> Result<Option<StreamLock>, ReadError> {
        StreamLock::take(&self.0.server, self.0.log.as_uuid(), stream, wait).await
    }

    /// Writes a unit of work within a transaction of your own on the log's
    /// database, so that it commits or rolls back with what else you write
    /// there. A unit that is refused has written nothing, and the transaction
    /// goes on.
    ///
    /// From then on the transaction holds the log's lock: **every other writer
    /// waits for its end**. Call this last, and commit at once. Call
    /// [`look`](Self::look) after the commit, so that readers are woken; they
    /// find the events by polling too.
    ///
    /// ```no_run
    /// # use cqrs_core::store::UnitOfWork;
    /// # async fn run(
    /// #     store: &cqrs_postgres::PostgresStore,
    /// #     client: &mut cqrs_postgres::tokio_postgres::Client,
    /// #     work: UnitOfWork,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = client.transaction().await?;
    /// transaction.execute("UPDATE customers SET vip = true WHERE id = 7", &[]).await?;
    /// store.append_in(&transaction, work).await?;
    /// transaction.commit().await?;
    /// store.look().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`EventStore::commit`](cqrs_core::store::EventStore::commit), but never
    /// [`CommitError::Unknown`]: whether it is committed is what your own
    /// commit says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves your transaction open, with or without the
    /// unit: roll it back.
    pub async fn append_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        work: UnitOfWork,
    ) -> Result<Commit, CommitError> {
        let Shared { names, log, limits, server, .. } = &*self.0;
        let server = server.label();
        let beside =
            self.0.readers.session().await.map_err(|fault| fault.to_commit_error(server))?;
        let lineage = work.lineage().cloned();
        let done = writer::append(transaction, &beside, names, (*log, limits), work, server).await;
        if let (Err(_), Some(lineage)) = (&done, lineage) {
            lineage.sever();
        }
        done
    }

    /// Looks how far the log reaches, and wakes the readers of this process for
    /// what was committed beside the store.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the log cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn look(&self) -> Result<Position, ReadError> {
        let head = self.info().await?.head;
        self.0.signal.raise(head);
        Ok(head)
    }

    /// What the pool is doing, for metrics.
    #[must_use]
    pub fn pool_status(&self) -> PoolStatus {
        self.0.readers.status()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn schema(&self) -> &str {
        self.0.sql.schema()
    }

    fn same_log(&self, cursor: Option<LogId>) -> Result<(), ReadError> {
        match cursor {
            Some(cursor) if cursor != self.0.log => {
                Err(ReadError::OtherLog { cursor, log: self.0.log })
            }
            _ => Ok(()),
        }
    }

    fn ended(&self) -> Arc<str> {
        format!("{}: the runtime of the store has ended", self.0.server.label()).into()
    }
}

impl EventStore for PostgresStore {
    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let head = reading!(self, session => reader::head(session))?;
        Ok(LogInfo::new(self.0.log, head, true))
    }

    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static {
        let operation = work.operation().id();
        let receipt = self.0.writer.commit(work);
        async move { receipt.await.unwrap_or_else(|_| Err(writer::gone(operation))) }
    }

    async fn resolve(&self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        let receipt = self.0.writer.resolve(operation);
        receipt.await.unwrap_or_else(|_| Err(ReadError::Unavailable { reason: self.ended() }))
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        reading!(self, session => reader::operations(session, after, limit))
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        self.same_log(request.expected_log())?;
        let Shared { names, pages, .. } = &*self.0;
        reading!(self, session => reader::read(session, names, pages, &request))
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        reading!(self, session => reader::stream_head(session, stream))
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        self.same_log(Some(token.log()))?;
        Ok(Some(Position::new(token.mark())))
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        reading!(self, session => reader::snapshot(session, stream))
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        reading!(self, session => reader::checkpoint(session, name))
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.limits().check_checkpoint(name)?;
        let receipt = self.0.writer.claim(name.clone());
        receipt.await.unwrap_or_else(|_| {
            Err(CommitError::Unavailable { reason: self.ended(), transient: false })
        })
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        self.limits().check_lease(name, holder)?;
        leasing!(self, session => leases::acquire(session, name, holder, ttl))
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        leasing!(self, session => leases::renew(session, lease, ttl))?
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        leasing!(self, session => leases::release(session, lease))
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        reading!(self, session => leases::leases(session, prefix))
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let names = &self.0.names;
        reading!(self, session => reader::row(session, names, table, key))
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        let names = &self.0.names;
        reading!(self, session => reader::rows(session, names, table, &range, direction, limit))
    }

    fn watch(&self) -> CommitWatch {
        self.0.signal.watch()
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("server", &self.0.server.label())
            .field("schema", &self.0.sql.schema())
            .field("log", &self.0.log)
            .finish()
    }
}
