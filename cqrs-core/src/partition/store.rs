//! The store of one partition: it takes what belongs there.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::PartitionName;
use super::directory::Directory;
use crate::message::{OperationId, TenantId};
use crate::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitToken, CommitWatch, Committing,
    Direction, EventStore, Holder, InvalidInput, Lease, LeaseError, LeaseName, Limits, LogInfo,
    Page, Position, ReadError, ReadRequest, RecordedOperation, Snapshot, Store, StreamId,
    StreamVersion, TableName, UnitOfWork,
};

/// The store of one partition. It refuses to write streams of tenants that
/// live elsewhere, or nowhere yet, with
/// [`InvalidInput::OtherPartition`]; reads are those of the store behind it.
#[derive(Clone)]
pub struct PartitionStore(Arc<Inner>);

struct Inner {
    name: PartitionName,
    store: Store,
    directory: Directory,
    queue: Mutex<Queue>,
}

/// Units that wait until the directory has been asked for a tenant, and those
/// behind them: units commit in the order in which they were handed over.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Whether a task asks for the first one.
    asking: bool,
}

struct Waiting {
    work: UnitOfWork,
    bytes: usize,
    handed_over: oneshot::Sender<Committing>,
}

/// What a unit's tenants say about where it belongs.
enum Verdict {
    Here,
    Elsewhere(InvalidInput),
    /// The directory has to be asked for this one.
    Unknown(TenantId),
}

impl PartitionStore {
    pub(super) fn new(name: PartitionName, store: Store, directory: Directory) -> Self {
        Self(Arc::new(Inner { name, store, directory, queue: Mutex::default() }))
    }

    /// Which partition it is.
    #[must_use]
    pub fn partition(&self) -> &PartitionName {
        &self.0.name
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verdict(&self, work: &UnitOfWork) -> Verdict {
        let appended = work.streams().iter().map(|append| append.stream());
        let saved = work.snapshots().iter().map(|snapshot| snapshot.stream());
        let mut here = None;
        for stream in appended.chain(saved) {
            let tenant = stream.tenant();
            if here == Some(tenant) {
                continue;
            }
            match self.directory.known(tenant) {
                Some(home) if home == self.name => here = Some(tenant),
                Some(home) => return Verdict::Elsewhere(self.elsewhere(tenant, Some(home))),
                None => return Verdict::Unknown(tenant.clone()),
            }
        }
        Verdict::Here
    }

    fn elsewhere(&self, tenant: &TenantId, home: Option<PartitionName>) -> InvalidInput {
        let (tenant, partition) = (tenant.clone(), self.name.clone());
        InvalidInput::OtherPartition { tenant, partition, home }
    }

    /// Gives a unit to the store behind, or refuses it.
    fn hand_over(&self, work: UnitOfWork, verdict: Result<(), CommitError>) -> Committing {
        match verdict {
            Ok(()) => self.store.submit(work),
            Err(error) => {
                work.sever_lineage();
                Committing::Ready(Some(Err(error)))
            }
        }
    }

    /// Takes a unit in its turn: at once, unless its tenant has to be asked for.
    fn take(
        self: &Arc<Self>,
        work: UnitOfWork,
    ) -> Result<Committing, oneshot::Receiver<Committing>> {
        let mut queue = self.queue();
        if queue.waiting.is_empty() {
            match self.verdict(&work) {
                Verdict::Here => return Ok(self.hand_over(work, Ok(()))),
                Verdict::Elsewhere(refused) => {
                    return Ok(self.hand_over(work, Err(CommitError::Invalid(refused))));
                }
                Verdict::Unknown(_) => {}
            }
        }
        let (bytes, limit) = (work.bytes(), self.store.limits().queued_bytes);
        if !queue.waiting.is_empty() && queue.bytes + bytes > limit {
            let overloaded = CommitError::Overloaded { waiting: queue.bytes, limit };
            return Ok(self.hand_over(work, Err(overloaded)));
        }
        let (handed_over, receiver) = oneshot::channel();
        queue.bytes += bytes;
        queue.waiting.push_back(Waiting { work, bytes, handed_over });
        if !std::mem::replace(&mut queue.asking, true) {
            let mut asking = Asking { store: Arc::clone(self), is_done: false };
            let spawner = &self.directory.services().spawner;
            spawner.spawn("partition", Box::pin(async move { asking.run().await }));
        }
        Err(receiver)
    }

    /// Hands over what waits, up to the first unit whose tenant is unknown.
    fn advance(&self) -> Option<TenantId> {
        let mut queue = self.queue();
        while let Some(first) = queue.waiting.front() {
            let verdict = match self.verdict(&first.work) {
                Verdict::Unknown(tenant) => return Some(tenant),
                Verdict::Here => Ok(()),
                Verdict::Elsewhere(refused) => Err(CommitError::Invalid(refused)),
            };
            self.settle(&mut queue, verdict);
        }
        queue.asking = false;
        None
    }

    /// Takes the first unit out of the queue, with what is to become of it.
    fn settle(&self, queue: &mut Queue, verdict: Result<(), CommitError>) {
        if let Some(Waiting { work, bytes, handed_over }) = queue.waiting.pop_front() {
            queue.bytes -= bytes;
            // A caller that has gone leaves the unit to run to its end.
            let _ = handed_over.send(self.hand_over(work, verdict));
        }
    }
}

/// The task that asks. Where it is ended with its runtime, nothing waits for it.
struct Asking {
    store: Arc<Inner>,
    is_done: bool,
}

impl Asking {
    async fn run(&mut self) {
        let store = &self.store;
        while let Some(tenant) = store.advance() {
            let refused = match store.directory.find(&tenant).await {
                Ok(Some(_)) => continue,
                Ok(None) => CommitError::Invalid(store.elsewhere(&tenant, None)),
                Err(error) => unavailable(&format!("the directory of tenants: {error}")),
            };
            store.settle(&mut store.queue(), Err(refused));
        }
        // What waits from here on has another task.
        self.is_done = true;
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut queue = self.store.queue();
        while !queue.waiting.is_empty() {
            self.store.settle(&mut queue, Err(unavailable("the runtime has ended")));
        }
        queue.asking = false;
    }
}

fn unavailable(reason: &str) -> CommitError {
    CommitError::Unavailable { reason: reason.into(), transient: true }
}

impl EventStore for PartitionStore {
    fn limits(&self) -> &Limits {
        self.0.store.limits()
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        self.0.store.info().await
    }

    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static {
        let taken = self.0.take(work);
        async move {
            match taken {
                Ok(committing) => committing.await,
                Err(waits) => match waits.await {
                    Ok(committing) => committing.await,
                    Err(_) => Err(unavailable("the runtime has ended")),
                },
            }
        }
    }

    async fn resolve(&self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        self.0.store.resolve(operation).await
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        self.0.store.operations(after, limit).await
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        self.0.store.read(request).await
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        self.0.store.stream_head(stream).await
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        self.0.store.position_of(token).await
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        self.0.store.snapshot(stream).await
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        self.0.store.checkpoint(name).await
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.0.store.claim_checkpoint(name).await
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        self.0.store.acquire_lease(name, holder, ttl).await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        self.0.store.renew_lease(lease, ttl).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        self.0.store.release_lease(lease).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        self.0.store.leases(prefix).await
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        self.0.store.row(table, key).await
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        self.0.store.rows(table, range, direction, limit).await
    }

    fn watch(&self) -> CommitWatch {
        self.0.store.watch()
    }
}

impl fmt::Debug for PartitionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionStore").field(&self.0.name).finish()
    }
}
