//! What a case works with: a fresh store, and short words for what most
//! cases do with it.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cqrs_core::message::{Encoding, EventId, IdGenerator, OperationId, SchemaVersion, UuidV7};
use cqrs_core::store::{
    Commit, CommitError, EventStore, NewEvent, Operation, Position, Store, StreamId, StreamVersion,
    Tag, UnitOfWork,
};
use cqrs_core::{TenantId, Timestamp};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use super::Fixture;

/// The caller's clock, unless a case is about time.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[derive(Clone)]
pub(super) struct Bench {
    store: Store,
    contract: &'static str,
    fixture: Arc<dyn Fixture>,
    ids: Arc<UuidV7>,
    events: Arc<AtomicU64>,
    unasked: Arc<AtomicBool>,
}

impl Bench {
    /// A bench for a case about a part of the contract.
    pub(super) async fn new(contract: &'static str, fixture: Arc<dyn Fixture>) -> Self {
        let (store, ids) = (fixture.fresh().await, Arc::new(UuidV7::seeded(7)));
        let (events, unasked) = (Arc::default(), Arc::default());
        Self { store, contract, fixture, ids, events, unasked }
    }

    /// Set once a case asks for what its store need not do, and ends.
    pub(super) fn unasked(&self) -> &Arc<AtomicBool> {
        &self.unasked
    }

    /// The same fixture with another log, empty.
    pub(super) async fn another(&self) -> Self {
        Self { store: self.fixture.fresh().await, ..self.clone() }
    }

    /// The same log, opened again; `None` if the store need not be durable.
    pub(super) async fn reopened(self) -> Option<Self> {
        if !self.must_be_durable() {
            return None;
        }
        let Self { store, contract, fixture, ids, events, unasked } = self;
        let store = fixture.reopen(store).await;
        let store = store.expect("durability: the fixture of a durable store must reopen it");
        Some(Self { store, contract, fixture, ids, events, unasked })
    }

    /// The same log as a store finds it that has just been opened and knows
    /// nothing yet; the same store if it need not be durable.
    pub(super) async fn unacquainted(self) -> Self {
        if !self.is_durable() {
            return self;
        }
        self.reopened().await.expect("a durable store can be reopened")
    }

    /// Whether the store is to be durable: a case of which nothing is left
    /// otherwise ends then.
    pub(super) fn must_be_durable(&self) -> bool {
        self.unasked.fetch_or(!self.is_durable(), Ordering::Relaxed);
        self.is_durable()
    }

    fn is_durable(&self) -> bool {
        self.fixture.capabilities().durable
    }

    /// What a call returned that must not fail.
    pub(super) fn answered<T, E: Display>(&self, what: &str, answer: Result<T, E>) -> T {
        answer.unwrap_or_else(|error| panic!("{}: {what}, but: {error}", self.contract))
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
        let answer = self.store.commit(work).await;
        let commit = self.answered("a unit that breaks no condition must commit", answer);
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
            match self.answered("the token of a commit must lead to its position", position) {
                Some(position) => return position,
                None if known => {
                    panic!("{}: an acknowledged commit has no position", self.contract)
                }
                None => tokio::task::yield_now().await,
            }
        }
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
                spawn(async move {
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

/// Runs a task of a case on the runtime of the case.
#[expect(
    clippy::disallowed_methods,
    reason = "a case has a runtime of its own, which ends with it"
)]
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// What a task made; its panic becomes that of the case.
pub(crate) async fn joined<T>(task: JoinHandle<T>) -> T {
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
