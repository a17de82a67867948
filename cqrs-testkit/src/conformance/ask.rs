//! Questions to a store whose answer cannot be an error.

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, EventStore, LogId, LogInfo, Page, Position, ReadRequest,
    RecordedEvent, Snapshot, StreamId, StreamVersion, TableName,
};

use super::bench::Bench;
use super::walk;

impl Bench {
    pub(super) async fn read(&self, request: ReadRequest) -> Page {
        let answer = self.store().read(request.clone()).await;
        self.answered(&format!("{request:?} must be answered"), answer)
    }

    /// Every event of the log.
    pub(super) async fn log(&self) -> Vec<RecordedEvent> {
        walk::all_pages(self, &ReadRequest::all()).await
    }

    /// Every event of a stream; its head and versions must agree with them.
    pub(super) async fn stream(&self, stream: &StreamId) -> Vec<RecordedEvent> {
        let events = walk::all_pages(self, &ReadRequest::stream(stream.clone())).await;
        let versions: Vec<u64> = events.iter().map(|event| event.version().get()).collect();
        let expected: Vec<u64> = (1..=events.len() as u64).collect();
        assert_eq!(versions, expected, "versions: those of {stream} must count from 1, no gaps");
        assert_eq!(
            self.version(stream).await.get(),
            events.len() as u64,
            "versions: the head of {stream} must be the version of its newest event",
        );
        events
    }

    pub(super) async fn length(&self, stream: &StreamId) -> usize {
        self.stream(stream).await.len()
    }

    pub(super) async fn version(&self, stream: &StreamId) -> StreamVersion {
        let head = self.store().stream_head(stream).await;
        self.answered("the head of a stream must be known", head)
    }

    pub(super) async fn info(&self) -> LogInfo {
        self.answered("the log must say how far it reaches", self.store().info().await)
    }

    pub(super) async fn head(&self) -> Position {
        self.info().await.head
    }

    pub(super) async fn log_id(&self) -> LogId {
        self.info().await.log
    }

    pub(super) async fn resolve(&self, operation: OperationId) -> Option<Commit> {
        let outcome = self.store().resolve(operation).await;
        self.answered("the outcome of an operation must be known", outcome)
    }

    pub(super) async fn snapshot(&self, stream: &StreamId) -> Option<Snapshot> {
        self.answered("a snapshot must be readable", self.store().snapshot(stream).await)
    }

    pub(super) async fn checkpoint(&self, name: &CheckpointName) -> Option<Checkpoint> {
        self.answered("a checkpoint must be readable", self.store().checkpoint(name).await)
    }

    pub(super) async fn claim(&self, name: &CheckpointName) -> Checkpoint {
        let claimed = self.store().claim_checkpoint(name).await;
        self.answered("a checkpoint must be claimable", claimed)
    }

    pub(super) async fn row(&self, table: &TableName, key: &[u8]) -> Option<Bytes> {
        self.answered("a row must be readable", self.store().row(table, key).await)
    }
}
