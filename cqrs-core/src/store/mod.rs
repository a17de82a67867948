//! The contract between the framework and a store, in prose and as a trait.
//!
//! A store keeps one *log*: events in global order, each in exactly one
//! stream. Beside the log it keeps what commits together with it: snapshots,
//! checkpoints, rows of read models, and the record of operations.
//!
//! **One write path.** Everything that is written is a [`UnitOfWork`], a value
//! that is built without touching the store and committed by one call. So no
//! transaction is ever open while user code runs or a future is parked, a
//! dropped future cannot harm a connection, and a store may gather units of
//! many callers into one flush.
//!
//! **Handed over on call.** [`EventStore::commit`] takes the unit in its order
//! *when it is called*, not when the future is first polled: units of one
//! caller commit in the order of the calls. Dropping the future leaves the
//! unit to run to its end.
//!
//! **Three outcomes.** `Ok` is durable. [`CommitError::Unknown`] means that
//! the store may or may not have committed; [`EventStore::resolve`] tells.
//! Every other error means that nothing was written.
//!
//! **Order.** Versions of a stream are 1, 2, 3, …; positions of the log
//! are contiguous from 1, agree with every stream's order, and appear to all
//! readers in increasing order.

mod admission;
mod commit;
mod erased;
mod error;
mod event;
mod few;
mod ids;
mod leader;
mod lease;
mod limits;
pub mod memory;
mod operation;
mod page;
mod pages;
mod partition_name;
mod read;
mod recorded;
mod snapshot;
mod unit_of_work;

pub use admission::Admission;
pub use commit::{Commit, CommitSignal, CommitToken, CommitWatch};
pub(crate) use erased::Committing;
pub use erased::Store;
pub use error::{CommitError, InvalidInput, ReadError};
pub(crate) use event::Cause;
pub use event::{EventTypeName, NewEvent, Tag, Tags};
pub(crate) use few::Few;
pub(crate) use ids::{BuildOwnHash, SeededHash};
pub use ids::{Category, CheckpointName, Holder, InvalidStreamId, LeaseName, StreamId, TableName};
pub use leader::{Leader, LeaderOptions, LeaderWatch};
pub use lease::{Lease, LeaseError, LeaseFence, LeaseToken};
pub use limits::Limits;
pub use operation::RecordedOperation;
pub use page::{KindInPage, Page, PageBuilder, PageEvent, PagePool, StreamInPage};
pub(crate) use pages::Pages;
pub use partition_name::PartitionName;
pub use read::{
    Cursor, Direction, EventQuery, LogId, LogInfo, Position, QueryItem, ReadRequest, Source,
    StreamVersion,
};
pub use recorded::RecordedEvent;
pub use snapshot::{Snapshot, StateShape};
pub use unit_of_work::{
    Checkpoint, CheckpointAdvance, Epoch, ExpectedVersion, Lineage, Operation, QueryGuard,
    StreamAppend, TableWrite, UnitOfWork,
};

use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;

use crate::message::OperationId;

/// A place that keeps a log and what commits with it.
///
/// Implement it to bring your own store, and prove it by running the
/// conformance suite of the testkit. See the [module](self) for the rules
/// that no signature can express.
pub trait EventStore: Send + Sync + 'static {
    /// The limits that this store holds every unit of work to.
    fn limits(&self) -> &Limits;

    /// Which log this is and how far it reaches.
    fn info(&self) -> impl Future<Output = Result<LogInfo, ReadError>> + Send;

    /// Commits all of a unit of work or nothing of it.
    ///
    /// The unit is handed over when this is called. A unit whose operation is
    /// already recorded with the same content writes nothing and returns the
    /// recorded outcome.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the unit; its outcome is then in
    /// doubt and can be asked for with [`resolve`](Self::resolve).
    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static;

    /// What became of an operation: its outcome, or `None` if it never
    /// committed and, as no such unit is under way in this store, will not.
    ///
    /// Recorded are units with events, and units whose operation was given. A
    /// fresh unit of rows, snapshots or a checkpoint alone is not: its
    /// checkpoint is the proof.
    fn resolve(
        &self,
        operation: OperationId,
    ) -> impl Future<Output = Result<Option<Commit>, ReadError>> + Send;

    /// The operations whose first event stands after a position, in the order
    /// of the log, at most `limit`. Those without events are not among them.
    fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RecordedOperation>, ReadError>> + Send;

    /// One page of events. A full page may leave it open whether it is the
    /// last; the next one is then empty.
    fn read(&self, request: ReadRequest) -> impl Future<Output = Result<Page, ReadError>> + Send;

    /// The version of the newest event in a stream, `StreamVersion::NONE` if
    /// it has none.
    fn stream_head(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<StreamVersion, ReadError>> + Send;

    /// The position that a commit reached, `None` while it is not yet known.
    /// A token of another log is refused.
    fn position_of(
        &self,
        token: &CommitToken,
    ) -> impl Future<Output = Result<Option<Position>, ReadError>> + Send;

    /// The latest snapshot of a stream.
    fn snapshot(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<Option<Snapshot>, ReadError>> + Send;

    /// A checkpoint as it stands, without claiming it.
    fn checkpoint(
        &self,
        name: &CheckpointName,
    ) -> impl Future<Output = Result<Option<Checkpoint>, ReadError>> + Send;

    /// Takes a checkpoint over: raises its epoch, so that a worker with the
    /// old one can no longer commit, and returns it.
    fn claim_checkpoint(
        &self,
        name: &CheckpointName,
    ) -> impl Future<Output = Result<Checkpoint, CommitError>> + Send;

    /// Gives a lease for as long as `ttl`, if nobody else holds it: nobody ever
    /// had it, it has ended, or it was released. Whoever holds it already gets
    /// it anew. Each time its token is greater than before. Time is the
    /// server's where there is one, so that all processes agree; elsewhere it is
    /// the store's.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Invalid`] and [`LeaseError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the lease may have been given; asking again
    /// as the same holder gives it anew.
    fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<Lease>, LeaseError>> + Send;

    /// Lets a lease that is still held end `ttl` from now, be that later or
    /// earlier than before. Its token stays.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Lost`] when it has ended, even if nobody has it now;
    /// [`LeaseError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the lease may have been renewed.
    fn renew_lease(
        &self,
        lease: &Lease,
        ttl: Duration,
    ) -> impl Future<Output = Result<Lease, LeaseError>> + Send;

    /// Ends a lease, so that the next one need not wait. One that is lost is
    /// left to who has it.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the lease may have been released.
    fn release_lease(&self, lease: &Lease) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// The leases that are held now and whose names begin with `prefix`, in
    /// the order of their names.
    fn leases(&self, prefix: &str) -> impl Future<Output = Result<Vec<Lease>, ReadError>> + Send;

    /// One row of a table.
    fn row(
        &self,
        table: &TableName,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Bytes>, ReadError>> + Send;

    /// Rows of a table in key order, at most `limit`. One call sees each unit
    /// of work whole or not at all.
    fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(Bytes, Bytes)>, ReadError>> + Send;

    /// A signal that rises with every commit that this process knows of.
    /// Commits of other processes may be missed: poll as the backstop.
    fn watch(&self) -> CommitWatch;
}
