//! The store of one partition: it takes what belongs there.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::PartitionName;
use super::directory::{Directory, Home};
use crate::message::{OperationId, TenantId};
use crate::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitToken, CommitWatch, Committing,
    Direction, EventStore, Holder, InvalidInput, Lease, LeaseError, LeaseName, Limits, LogInfo,
    Page, Position, ReadError, ReadRequest, RecordedOperation, Snapshot, Store, StreamId,
    StreamVersion, TableName, UnitOfWork,
};

/// The store of one partition. It refuses to write streams of tenants that
/// live elsewhere, or nowhere yet, with
/// [`InvalidInput::OtherPartition`]; everything else is as in the store behind
/// it.
///
/// Nothing waits for the directory: a unit of a tenant that this process has not
/// met is refused as [`CommitError::Unavailable`], to be tried again, while the
/// directory is asked in the background. So its units are committed within a
/// runtime.
#[derive(Clone)]
pub struct PartitionStore(Arc<Inner>);

struct Inner {
    name: PartitionName,
    store: Store,
    directory: Directory,
}

impl PartitionStore {
    pub(super) fn new(name: PartitionName, store: Store, directory: Directory) -> Self {
        Self(Arc::new(Inner { name, store, directory }))
    }

    /// Which partition it is.
    #[must_use]
    pub fn partition(&self) -> &PartitionName {
        &self.0.name
    }
}

impl Inner {
    /// Whether all tenants of a unit live here.
    fn check(&self, work: &UnitOfWork) -> Result<(), CommitError> {
        let appended = work.streams().iter().map(|append| append.stream());
        let saved = work.snapshots().iter().map(|snapshot| snapshot.stream());
        let mut here = None;
        for stream in appended.chain(saved) {
            let tenant = stream.tenant();
            if here == Some(tenant) {
                continue;
            }
            match self.directory.known(tenant) {
                Home::Is(home) if home == self.name => here = Some(tenant),
                Home::Is(home) => return Err(self.elsewhere(tenant, Some(home))),
                Home::Nowhere => return Err(self.elsewhere(tenant, None)),
                Home::Unknown => {
                    self.directory.ask_behind(tenant);
                    let reason = format!("where tenant {tenant:?} lives is being looked up");
                    return Err(CommitError::Unavailable {
                        reason: reason.into(),
                        transient: true,
                    });
                }
            }
        }
        Ok(())
    }

    fn elsewhere(&self, tenant: &TenantId, home: Option<PartitionName>) -> CommitError {
        let (tenant, partition) = (tenant.clone(), self.name.clone());
        CommitError::Invalid(InvalidInput::OtherPartition { tenant, partition, home })
    }
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
        match self.0.check(&work) {
            Ok(()) => self.0.store.submit(work),
            Err(refused) => {
                work.sever_lineage();
                Committing::Ready(Some(Err(refused)))
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
