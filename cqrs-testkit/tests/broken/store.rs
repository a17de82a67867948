//! A store in memory that breaks one promise.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, CommitToken, CommitWatch,
    Direction, EventStore, Holder, InvalidInput, Lease, LeaseError, LeaseName, Limits, LogInfo,
    Page, Position, ReadError, ReadRequest, RecordedOperation, Snapshot, Source, StreamId,
    StreamVersion, TableName, UnitOfWork,
};
use tokio::task::yield_now;

use crate::fault::Fault;
use crate::{commit, leases, now, reading, rows, writing};

#[derive(Clone)]
pub(crate) struct Broken {
    pub(crate) fault: Fault,
    pub(crate) inner: MemoryStore,
    pub(crate) limits: Limits,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// A future was dropped that must not be.
    poisoned: AtomicBool,
    /// Some unit with a lineage has failed.
    pub(crate) severed: AtomicBool,
    signal: CommitSignal,
}

/// Poisons the store unless it is told that all went well.
struct Poison(Option<Arc<Shared>>);

impl Poison {
    fn heal(mut self) {
        self.0 = None;
    }
}

impl Drop for Poison {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.poisoned.store(true, Ordering::Release);
        }
    }
}

/// Small limits, so that the cases about limits are quick.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.payload_bytes = 2_000;
    limits.metadata_bytes = 1_000;
    limits.events = 90;
    limits.unit_bytes = 60_000;
    limits.snapshot_bytes = 3_000;
    limits
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        let limits = limits();
        let mut applied = limits.clone();
        match fault {
            Fault::AcceptsWhatIsTooLarge => applied = Limits::default(),
            Fault::RefusesWhatIsAsLargeAsTheLimit => applied.events -= 1,
            _ => {}
        }
        if fault == Fault::AcceptsWhatIsTooLarge {
            (applied.tags, applied.key_bytes) = (100, 2_000);
        }
        let shared = Shared {
            poisoned: AtomicBool::new(false),
            severed: AtomicBool::new(false),
            signal: CommitSignal::new(Position::new(u64::MAX)),
        };
        let inner = MemoryStore::with_limits(applied);
        Self { fault, inner, limits, shared: Arc::new(shared) }
    }

    pub(crate) fn head(&self) -> Position {
        now(self.inner.info()).expect("memory can be read").head
    }

    /// Waits once, and poisons the store if the caller does not.
    async fn vulnerable(&self, by: Fault) {
        if self.fault == by {
            let poison = Poison(Some(Arc::clone(&self.shared)));
            yield_now().await;
            poison.heal();
        }
    }

    fn unknown_table(&self, table: &TableName) -> Result<(), ReadError> {
        let whole = (Bound::Unbounded, Bound::Unbounded);
        let rows = now(self.inner.rows(table, whole, Direction::Forward, 1))?;
        if self.fault == Fault::FailsOnUnknownTables && rows.is_empty() {
            return Err(ReadError::Unavailable { reason: "no such table".into() });
        }
        Ok(())
    }
}

impl EventStore for Broken {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let info = self.inner.info().await?;
        Ok(LogInfo::new(info.log, info.head, self.fault != Fault::DeniesDurability))
    }

    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static {
        let (this, fault) = (self.clone(), self.fault);
        let poisoned = self.shared.poisoned.load(Ordering::Acquire);
        let later = match fault {
            Fault::CommitsOnTheFirstPoll | Fault::CancelsWhenDropped => Some(work),
            Fault::ChecksFirstAndWritesLater | Fault::WritesRowsLater => Some(work),
            _ if poisoned => None,
            _ => {
                let answer = commit::commit(&this, work);
                return Box::pin(std::future::ready(answer)) as commit::Answer;
            }
        };
        Box::pin(async move {
            let Some(work) = later else {
                return Err(CommitError::Unavailable {
                    reason: "poisoned".into(),
                    transient: false,
                });
            };
            match fault {
                Fault::CancelsWhenDropped => yield_now().await,
                Fault::ChecksFirstAndWritesLater => return commit::racy(&this, work).await,
                Fault::WritesRowsLater => return commit::rows_later(&this, work).await,
                _ => {}
            }
            commit::commit(&this, work)
        })
    }

    async fn resolve(&self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        let outcome = self.inner.resolve(operation).await?;
        Ok(outcome.filter(|_| self.fault != Fault::ForgetsOutcomes))
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        let mut operations = self.inner.operations(after, limit).await?;
        if self.fault == Fault::ListsOperationsBackwards {
            operations.reverse();
        }
        Ok(operations)
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        self.vulnerable(Fault::IsPoisonedByDroppedReads).await;
        let is_known = || match request.source() {
            Source::Stream(stream) => {
                now(self.inner.stream_head(stream)).is_ok_and(|n| n.get() > 0)
            }
            _ => true,
        };
        if reading::fails(self.fault, &request, is_known) {
            return Err(ReadError::Unavailable { reason: "out of range".into() });
        }
        let page = self.inner.read(reading::request(self.fault, &request)).await?;
        Ok(reading::page(self.fault, &request, page))
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        let head = self.inner.stream_head(&writing::name(self.fault, stream)).await?;
        Ok(match self.fault {
            Fault::ReportsAnOldHead => StreamVersion::new(head.get().saturating_sub(1)),
            _ => head,
        })
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        Ok(match (self.inner.position_of(token).await, self.fault) {
            (Ok(position), Fault::LeadsTokensAstray) => position.map(Position::next),
            (Err(_), Fault::AcceptsForeignTokens) => Some(Position::new(token.mark())),
            (answer, _) => return answer,
        })
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        let named = match self.fault {
            Fault::MixesSnapshotsOfTenants => writing::without_tenant(stream),
            _ => stream.clone(),
        };
        let kept = self.inner.snapshot(&named).await?;
        let kept = kept.map(|one| writing::with(&one, stream.clone(), one.shape(), None));
        let made_up = || commit::made_up_snapshot(stream);
        Ok(kept.or_else(|| (self.fault == Fault::MakesUpSnapshots).then(made_up)))
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        let own = rows::checkpoint(self.fault, name);
        if self.fault == Fault::ClaimsWhenRead {
            return Ok(self.inner.claim_checkpoint(&own).await.ok());
        }
        let kept = self.inner.checkpoint(&own).await?;
        let kept = kept.map(|kept| Checkpoint { name: name.clone(), ..kept });
        let made_up = || Checkpoint { name: name.clone(), epoch: Default::default(), cursor: None };
        Ok(kept.or_else(|| (self.fault == Fault::MakesUpCheckpoints).then(made_up)))
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.vulnerable(Fault::IsPoisonedByDroppedClaims).await;
        commit::claim(self, name).await
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        leases::acquire(self, name, holder, ttl).await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        leases::renew(self, lease, ttl).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        leases::release(self, lease).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        leases::leases(self, prefix).await
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let table = rows::table(self.fault, table);
        self.unknown_table(&table)?;
        self.inner.row(&table, &rows::key(self.fault, key)).await
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        let table = rows::table(self.fault, table);
        self.unknown_table(&table)?;
        let range = rows::range(self.fault, range);
        let found = self.inner.rows(&table, range, Direction::Forward, usize::MAX).await?;
        Ok(rows::cut(self.fault, found, direction, limit))
    }

    fn watch(&self) -> CommitWatch {
        match self.fault {
            Fault::LosesTheSignal => CommitSignal::new(Position::NONE).watch(),
            Fault::SignalsTooMuch => self.shared.signal.watch(),
            _ => self.inner.watch(),
        }
    }
}

/// What a store says that does not like a unit without content.
pub(crate) fn refuses_empty() -> CommitError {
    let what = "a unit of work";
    CommitError::Invalid(InvalidInput::Name { what, name: String::new() })
}
