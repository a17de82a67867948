//! The store for development and tests: everything in memory, and otherwise
//! held to the contract of every store. Nothing survives the process, and
//! [`LogInfo::durable`] says so.
//!
//! One mutex guards the log. A unit commits inside the call to `commit`,
//! which holds the lock for that long and never across an await.

mod chunks;
mod leases;
mod log;
mod operations;
mod tables;

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

use super::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, CommitToken, CommitWatch,
    Direction, EventStore, Holder, Lease, LeaseError, LeaseName, Limits, LogId, LogInfo, Page,
    Position, ReadError, ReadRequest, RecordedOperation, Snapshot, StreamId, StreamVersion,
    TableName, UnitOfWork,
};
use crate::message::{IdGenerator, OperationId, RandomIds, Timestamp};
use crate::runtime::{Clock, SystemClock};
use leases::Leases;
use log::Log;
use tables::Tables;

/// A store in memory. Clones share one log.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cqrs_core::store::{EventStore, memory::MemoryStore};
/// let store = MemoryStore::new();
/// assert!(!store.info().await?.durable);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    limits: Limits,
    state: Mutex<State>,
    signal: CommitSignal,
    /// What leases end by.
    clock: Arc<dyn Clock>,
}

struct State {
    log: Log,
    tables: Tables,
    leases: Leases,
}

impl MemoryStore {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty store with limits of your own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self::of(limits, Arc::new(SystemClock::new()))
    }

    /// An empty store whose leases end by a clock of your own.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::of(Limits::default(), Arc::new(clock))
    }

    fn of(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let log = Log::new(LogId::from_uuid(RandomIds::new().next(Timestamp::EPOCH)));
        let (tables, leases) = (Tables::default(), Leases::default());
        let state = Mutex::new(State { log, tables, leases });
        Self(Arc::new(Shared { limits, state, signal: CommitSignal::new(Position::NONE), clock }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no code that may panic runs under the lock")
    }

    #[inline]
    fn commit_now(&self, work: UnitOfWork) -> Result<Commit, CommitError> {
        if let Err(error) = self.0.limits.check(&work) {
            work.sever_lineage();
            return Err(error);
        }
        let mut guard = self.state();
        let state = &mut *guard;
        match state.log.repeated(&work) {
            Ok(None) => {}
            Ok(Some(recorded)) => return Ok(recorded),
            Err(reused) => {
                work.sever_lineage();
                return Err(reused);
            }
        }
        let fenced = match work.fence() {
            Some(_) => state.leases.check(&work, self.0.clock.now()),
            None => Ok(()),
        };
        let checked = state.log.check(&work).and_then(|()| state.tables.check(&work));
        let checked = checked.and(fenced);
        if let Err(error) = checked {
            work.sever_lineage();
            return Err(error);
        }
        state.tables.write(&work);
        let commit = state.log.append(work);
        let head = state.log.head();
        drop(guard);
        self.0.signal.raise(head);
        Ok(commit)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("head", &self.state().log.head()).finish()
    }
}

impl EventStore for MemoryStore {
    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let state = self.state();
        Ok(LogInfo::new(state.log.id(), state.log.head(), false))
    }

    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static {
        std::future::ready(self.commit_now(work))
    }

    async fn resolve(&self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        Ok(self.state().log.operation(operation))
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        Ok(self.state().log.operations_after(after, limit))
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        self.state().log.read(&request)
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        Ok(self.state().log.version(stream))
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        let log = self.state().log.id();
        if token.log() == log {
            Ok(Some(Position::new(token.mark())))
        } else {
            Err(ReadError::OtherLog { cursor: token.log(), log })
        }
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        Ok(self.state().tables.snapshot(stream))
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        Ok(self.state().tables.checkpoint(name))
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.0.limits.check_checkpoint(name)?;
        Ok(self.state().tables.claim(name))
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        self.0.limits.check_lease(name, holder)?;
        let (mut state, now) = (self.state(), self.0.clock.now());
        Ok(state.leases.acquire(name, holder, now.plus(ttl), now))
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        let (mut state, now) = (self.state(), self.0.clock.now());
        state.leases.renew(lease, now.plus(ttl), now)
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        let (mut state, now) = (self.state(), self.0.clock.now());
        state.leases.release(lease, now);
        Ok(())
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        let (state, now) = (self.state(), self.0.clock.now());
        Ok(state.leases.beginning_with(prefix, now))
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.state().tables.row(table, key))
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        Ok(self.state().tables.rows(table, range, direction, limit))
    }

    fn watch(&self) -> CommitWatch {
        self.0.signal.watch()
    }
}
