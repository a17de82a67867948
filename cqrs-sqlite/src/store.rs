//! The store: handles on one writing thread and some that read.

use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::runtime::Clock;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, CommitToken, CommitWatch,
    Direction, EventStore, Holder, Lease, LeaseError, LeaseName, Limits, LogId, LogInfo, Page,
    Position, ReadError, ReadRequest, RecordedOperation, Snapshot, StreamId, StreamVersion,
    TableName, UnitOfWork,
};
use tokio::sync::oneshot;

use crate::OpenError;
use crate::connection;
use crate::fault::Outcome;
use crate::options::SqliteOptions;
use crate::reader::{self, Pool, Task, Urgency};
use crate::session::Session;
use crate::writer::{self, Writer};

/// A log in a SQLite database. Clones share one writing thread.
///
/// Dropping the last handle waits for everything that was handed over, and
/// moves the write-ahead log into the database file.
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    limits: Limits,
    path: String,
    durable: bool,
    log: LogId,
    signal: Arc<CommitSignal>,
    clock: Arc<dyn Clock>,
    /// Before the writer, so that no reader hinders its last checkpoint.
    /// `None` in memory, where the writing thread reads.
    readers: Option<Pool>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the log in a file, or creates it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells what keeps the file from being a durable log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened, and may wait for that.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::options().path(path).open().await
    }

    /// A log that ends with its last handle. Nothing in it is durable.
    ///
    /// # Errors
    ///
    /// [`OpenError::Unavailable`] when the system gives no thread or memory.
    ///
    /// # Cancel safety
    ///
    /// As [`SqliteStore::open`].
    pub async fn in_memory() -> Result<Self, OpenError> {
        Self::options().open().await
    }

    /// The settings with which a store can be opened.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }

    pub(crate) async fn start(options: SqliteOptions) -> Result<Self, OpenError> {
        let (writer, opened) = Writer::open(&options).await?;
        let durable = options.path.is_some();
        let readers = if durable { Some(Pool::open(&options, opened.log).await?) } else { None };
        let path = connection::label(&options).display().to_string();
        let (log, signal) = (opened.log, opened.signal);
        let SqliteOptions { limits, clock, .. } = options;
        let shared = Shared { limits, path, durable, log, signal, clock, readers, writer };
        Ok(Self(Arc::new(shared)))
    }

    /// Runs a read on one of the reading threads.
    async fn on_reader<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.read_when(Urgency::Awaited, read).await
    }

    async fn read_when<T: Send + 'static>(
        &self,
        urgency: Urgency,
        read: impl FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move |session| {
            if !answer.is_closed() {
                let _ = answer.send(read(session));
            }
        });
        let taken = match &self.0.readers {
            Some(pool) => pool.submit(task, urgency),
            None => {
                self.0.writer.read(task);
                true
            }
        };
        if !taken {
            return Err(self.unavailable("too many reads wait"));
        }
        match answered.await {
            Ok(outcome) => outcome.map_err(|fault| fault.into_read_error(&self.0.path)),
            Err(_) => Err(self.unavailable("the read panicked, or its thread has ended")),
        }
    }

    fn unavailable(&self, reason: &str) -> ReadError {
        ReadError::Unavailable { reason: format!("{}: {reason}", self.0.path).into() }
    }

    fn same_log(&self, cursor: Option<LogId>) -> Result<(), ReadError> {
        match cursor {
            Some(cursor) if cursor != self.0.log => {
                Err(ReadError::OtherLog { cursor, log: self.0.log })
            }
            _ => Ok(()),
        }
    }
}

impl EventStore for SqliteStore {
    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let head = self.on_reader(reader::info).await?;
        Ok(LogInfo::new(self.0.log, head, self.0.durable))
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
        receipt.await.unwrap_or_else(|_| Err(self.unavailable("the writing thread ended")))
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        self.on_reader(move |session| reader::operations(session, after, limit)).await
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        self.same_log(request.expected_log())?;
        let urgency = if request.is_ahead() { Urgency::Ahead } else { Urgency::Awaited };
        self.read_when(urgency, move |session| reader::read(session, &request)).await
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        let stream = stream.clone();
        self.on_reader(move |session| reader::head(session, &stream)).await
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        self.same_log(Some(token.log()))?;
        Ok(Some(Position::new(token.mark())))
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        let stream = stream.clone();
        self.on_reader(move |session| reader::snapshot(session, &stream)).await
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        let name = name.clone();
        self.on_reader(move |session| reader::checkpoint(&session.connection, &name)).await
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.limits().check_checkpoint(name)?;
        let receipt = self.0.writer.claim(name.clone());
        receipt.await.unwrap_or_else(|_| {
            let reason = "the writing thread ended".into();
            Err(CommitError::Unavailable { reason, transient: false })
        })
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        self.limits().check_lease(name, holder)?;
        let receipt = self.0.writer.acquire(name.clone(), holder.clone(), ttl);
        receipt.await.unwrap_or_else(|_| Err(no_writer()))
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        let receipt = self.0.writer.renew(lease.clone(), ttl);
        receipt.await.unwrap_or_else(|_| Err(no_writer()))?.ok_or_else(no_writer)
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        let receipt = self.0.writer.release(lease.clone());
        receipt.await.unwrap_or_else(|_| Err(no_writer())).map(drop)
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        let (prefix, now) = (prefix.to_owned(), self.0.clock.now());
        self.on_reader(move |session| reader::leases(session, &prefix, now)).await
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let (table, key) = (table.clone(), key.to_vec());
        self.on_reader(move |session| reader::row(session, &table, &key)).await
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        let table = table.clone();
        self.on_reader(move |session| reader::rows(session, &table, &range, direction, limit)).await
    }

    fn watch(&self) -> CommitWatch {
        self.0.signal.watch()
    }
}

fn no_writer() -> LeaseError {
    LeaseError::Unavailable { reason: "the writing thread ended".into(), transient: false }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.0.path).field("log", &self.0.log).finish()
    }
}
