//! What a case works with: a fresh store, and short words for what most
//! cases do with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::message::{Encoding, EventId, IdGenerator, OperationId, SchemaVersion, UuidV7};
use cqrs_core::store::{
    Commit, CommitError, EventStore, LogId, NewEvent, Operation, Page, Position, ReadRequest,
    RecordedEvent, Store, StreamId, StreamVersion, Tag, UnitOfWork,
};
use cqrs_core::{TenantId, Timestamp};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use super::{Fixture, walk};

/// The caller's clock, unless a case is about time.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[derive(Clone)]
pub(super) struct Bench {
    store: Store,
    fixture: Arc<dyn Fixture>,
    ids: Arc<UuidV7>,
    events: Arc<AtomicU64>,
}

impl Bench {
    pub(super) async fn new(fixture: Arc<dyn Fixture>) -> Self {
        let store = fixture.fresh().await;
        Self { store, fixture, ids: Arc::new(UuidV7::seeded(7)), events: Arc::default() }
    }

    /// The same fixture with another log, empty.
    pub(super) async fn another(&self) -> Self {
        Self { store: self.fixture.fresh().await, ..self.clone() }
    }

    /// The same log, opened again; `None` if the store need not be durable.
    pub(super) async fn reopened(self) -> Option<Self> {
        if !self.fixture.capabilities().durable {
            return None;
        }
        let Self { store, fixture, ids, events } = self;
        let store = fixture.reopen(store).await;
        let store = store.expect("durability: the fixture of a durable store must reopen it");
        Some(Self { store, fixture, ids, events })
    }

    pub(super) fn is_durable(&self) -> bool {
        self.fixture.capabilities().durable
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn operation_id(&self) -> OperationId {
        OperationId::from_uuid(self.ids.next(NOW))
    }

    pub(super) fn unit(&self) -> UnitOfWork {
        self.unit_at(NOW)
    }

    pub(super) fn unit_at(&self, now: Timestamp) -> UnitOfWork {
        UnitOfWork::new(Operation::fresh(self.operation_id()), now)
    }

    pub(super) fn event(&self, event_type: &'static str) -> NewEvent {
        let n = self.events.fetch_add(1, Ordering::Relaxed);
        self.event_with(event_type, format!("{{\"n\":{n}}}").into_bytes())
    }

    pub(super) fn event_with(&self, event_type: &'static str, payload: Vec<u8>) -> NewEvent {
        let id = EventId::from_uuid(self.ids.next(NOW));
        NewEvent::new(id, event_type, SchemaVersion::FIRST, Encoding::JSON, payload, NOW)
    }

    pub(super) fn events(&self, count: usize) -> Vec<NewEvent> {
        (0..count).map(|_| self.event("deposited")).collect()
    }

    /// Commits what must succeed, and waits until readers see it.
    pub(super) async fn commit(&self, work: UnitOfWork) -> Commit {
        let commit = match self.store.commit(work).await {
            Ok(commit) => commit,
            Err(error) => panic!("a unit that breaks no condition must commit, but: {error}"),
        };
        self.position(&commit).await;
        commit
    }

    /// Commits what must be refused with exactly this error, and looks whether
    /// the log has grown.
    pub(super) async fn refuse(&self, work: UnitOfWork, with: CommitError, why: &str) {
        let before = self.head().await;
        match self.store.commit(work).await {
            Ok(_) => panic!("{why}: the store committed, it must refuse: {with}"),
            Err(error) => assert_eq!(format!("{error:?}"), format!("{with:?}"), "{why}"),
        }
        assert_eq!(self.head().await, before, "{why}: a refused unit must not grow the log");
    }

    /// Waits for the position of a commit, unless it must be known at once.
    pub(super) async fn position(&self, commit: &Commit) -> Position {
        let known = self.fixture.capabilities().positions_known_at_commit;
        loop {
            let position = self.store.position_of(commit.token()).await;
            match position.expect("append: the token of a commit leads to its position") {
                Some(position) => return position,
                None if known => panic!("append: an acknowledged commit has no position"),
                None => tokio::task::yield_now().await,
            }
        }
    }

    pub(super) async fn read(&self, request: ReadRequest) -> Page {
        let answer = self.store.read(request.clone()).await;
        answer.unwrap_or_else(|error| panic!("read: {request:?} must be answered, but: {error}"))
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
        self.store.stream_head(stream).await.expect("read: the head of a stream can be asked for")
    }

    pub(super) async fn head(&self) -> Position {
        self.store.info().await.expect("read: the head of the log can be asked for").head
    }

    pub(super) async fn log_id(&self) -> LogId {
        self.store.info().await.expect("read: the id of the log can be asked for").log
    }

    /// Runs the tasks at the same time and returns what each made.
    pub(super) async fn race<T, Task>(
        &self,
        tasks: usize,
        body: impl Fn(usize, Self) -> Task,
    ) -> Vec<T>
    where
        T: Send + 'static,
        Task: Future<Output = T> + Send + 'static,
    {
        let start = Arc::new(Barrier::new(tasks));
        let running: Vec<_> = (0..tasks)
            .map(|n| {
                let (start, task) = (Arc::clone(&start), body(n, self.clone()));
                tokio::spawn(async move {
                    start.wait().await;
                    task.await
                })
            })
            .collect();
        let mut made = Vec::with_capacity(tasks);
        for task in running {
            made.push(joined(task).await);
        }
        made
    }
}

/// What a task made; its panic becomes that of the case.
pub(super) async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(made) => made,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

pub(super) fn stream(key: &str) -> StreamId {
    stream_of("account", key)
}

pub(super) fn stream_of(category: &'static str, key: &str) -> StreamId {
    StreamId::new(category, key).expect("the suite's own names are well-formed")
}

pub(super) fn tenants_stream(tenant: &str, category: &'static str, key: &str) -> StreamId {
    StreamId::of_tenant(TenantId::new(tenant), category, key)
        .expect("the suite's own names are well-formed")
}

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("the suite's own tags are well-formed")
}

pub(super) fn at(n: u64) -> StreamVersion {
    StreamVersion::new(n)
}
