//! A store that fails on demand, to test what an application does then.
//!
//! [`FaultyStore`] stands before any store and follows a script: each
//! [`Fault`] in it meets the next calls that it fits. Without a script it
//! changes nothing. It also notes every unit that committed, so that a test
//! can say what was written although the answer got lost.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use cqrs_core::store::memory::MemoryStore;
//! use cqrs_core::store::{CommitError, EventStore, ExpectedVersion, Operation, StreamId, UnitOfWork};
//! use cqrs_core::{OperationId, Timestamp};
//! use cqrs_testkit::fault::{Fault, FaultyStore};
//!
//! let store = FaultyStore::new(MemoryStore::new());
//! store.inject(Fault::unavailable().times(2));
//! store.inject(Fault::lost_acknowledgement());
//!
//! let id = OperationId::from_uuid(uuid::Uuid::from_u128(1));
//! let work = || {
//!     let account = StreamId::new("account", "1").expect("the name is well-formed");
//!     let work = UnitOfWork::new(Operation::given(id), Timestamp::EPOCH);
//!     work.append(account, ExpectedVersion::NoStream, Vec::new())
//! };
//! for _ in 0..2 {
//!     assert!(matches!(store.commit(work()).await, Err(CommitError::Unavailable { .. })));
//! }
//! assert!(matches!(store.commit(work()).await, Err(CommitError::Unknown { .. })));
//! assert!(store.resolve(id).await?.is_some(), "it had committed all the same");
//! assert!(store.commit(work()).await?.is_repeated());
//! assert_eq!(store.committed().len(), 1);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, CommitToken, CommitWatch,
    Direction, EventStore, EventTypeName, Holder, Lease, LeaseError, LeaseName, Limits, LogInfo,
    Page, Position, ReadError, ReadRequest, RecordedOperation, Snapshot, Source, Store, StreamId,
    StreamVersion, TableName, UnitOfWork,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A store that follows a script of [`Fault`]s. Clones share one script.
///
/// It keeps the contract of a store: units are handed over by the call, in
/// order, and run to their end if the future is dropped. A unit behind a
/// delayed one waits for it. Each commit runs in a task of its own, so
/// `commit` panics outside a tokio runtime.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Store,
    script: Arc<Mutex<Script>>,
    /// The signal of a store that hears of nothing.
    hears: Option<Arc<CommitSignal>>,
}

/// What goes wrong, for whom, and how often; once, if nothing is said.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is injected into a `FaultyStore`"]
pub struct Fault {
    effect: Effect,
    only: Only,
    times: usize,
    chance: Option<Chance>,
}

#[derive(Clone, Debug)]
enum Effect {
    Unavailable,
    LostAcknowledgement,
    Conflict,
    Delay(Gate),
    Unreadable,
    StalledRead(Gate),
    Unleasable,
    StalledLease(Gate),
    LateLease(Gate),
}

impl Effect {
    fn is_of_leases(&self) -> bool {
        matches!(self, Self::Unleasable | Self::StalledLease(_) | Self::LateLease(_))
    }
}

#[derive(Clone, Debug, Default)]
struct Only {
    operation: Option<OperationId>,
    stream: Option<StreamId>,
    event_type: Option<EventTypeName>,
    checkpoint: Option<CheckpointName>,
}

#[derive(Clone, Debug)]
struct Chance {
    one_in: u64,
    state: u64,
}

/// Holds what a [`Fault::delay`] delays until it is released. Clones are the
/// same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

/// A unit of work that committed, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedUnit {
    /// Which operation it was.
    pub operation: OperationId,
    /// The streams that it appended to or checked, in its order.
    pub streams: Vec<StreamId>,
    /// The types of its events, in its order.
    pub types: Vec<EventTypeName>,
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, only: Only::default(), times: 1, chance: None }
    }

    /// The next commit fails as [`CommitError::Unavailable`], transient, and
    /// writes nothing.
    pub fn unavailable() -> Self {
        Self::new(Effect::Unavailable)
    }

    /// The next commit runs and then answers [`CommitError::Unknown`],
    /// whatever became of it.
    pub fn lost_acknowledgement() -> Self {
        Self::new(Effect::LostAcknowledgement)
    }

    /// The next commit that names a stream fails as [`CommitError::Conflict`]
    /// at its first stream, and writes nothing.
    pub fn conflict() -> Self {
        Self::new(Effect::Conflict)
    }

    /// The next commit waits for the gate before it runs; those handed over
    /// later wait behind it.
    pub fn delay(gate: &Gate) -> Self {
        Self::new(Effect::Delay(gate.clone()))
    }

    /// The next call that answers with [`ReadError`] fails as
    /// [`ReadError::Unavailable`].
    pub fn unreadable() -> Self {
        Self::new(Effect::Unreadable)
    }

    /// The next call that answers with [`ReadError`] waits for the gate
    /// before it reads.
    pub fn stalled_read(gate: &Gate) -> Self {
        Self::new(Effect::StalledRead(gate.clone()))
    }

    /// The next call that answers with [`LeaseError`] fails as
    /// [`LeaseError::Unavailable`], transient, and changes nothing.
    pub fn unleasable() -> Self {
        Self::new(Effect::Unleasable)
    }

    /// The next call that answers with [`LeaseError`] waits for the gate before
    /// it asks.
    pub fn stalled_lease(gate: &Gate) -> Self {
        Self::new(Effect::StalledLease(gate.clone()))
    }

    /// What is asked of a lease is done, and answered when the gate opens.
    pub fn late_lease(gate: &Gate) -> Self {
        Self::new(Effect::LateLease(gate.clone()))
    }

    /// Meets the next `times` calls that it fits, instead of one.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Fits only this operation, in a commit or a `resolve`.
    pub fn of_operation(mut self, operation: OperationId) -> Self {
        self.only.operation = Some(operation);
        self
    }

    /// Fits only units that append to or check the stream, and reads of it.
    pub fn of_stream(mut self, stream: StreamId) -> Self {
        self.only.stream = Some(stream);
        self
    }

    /// Fits only units with an event of the type.
    pub fn of_type(mut self, event_type: impl Into<EventTypeName>) -> Self {
        self.only.event_type = Some(event_type.into());
        self
    }

    /// Fits only units that move the place of this reader.
    pub fn of_checkpoint(mut self, checkpoint: impl Into<CheckpointName>) -> Self {
        self.only.checkpoint = Some(checkpoint.into());
        self
    }

    /// Meets about one in `calls` of those it fits. Equal seeds choose equal
    /// calls.
    pub fn one_in(mut self, calls: u32, seed: u64) -> Self {
        self.chance = Some(Chance { one_in: u64::from(calls.max(1)), state: seed });
        self
    }

    fn is_for_commits(&self) -> bool {
        !self.is_for_reads() && !self.effect.is_of_leases()
    }

    fn is_for_reads(&self) -> bool {
        matches!(self.effect, Effect::Unreadable | Effect::StalledRead(_))
    }

    fn fits_unit(&self, work: &UnitOfWork) -> bool {
        let (mut streams, only) = (work.streams().iter(), &self.only);
        let has_type = |name: &EventTypeName| {
            let mut events = work.streams().iter().flat_map(|append| append.events());
            events.any(|event| event.event_type() == name)
        };
        self.is_for_commits()
            && only.operation.is_none_or(|id| id == work.operation().id())
            && only.event_type.as_ref().is_none_or(has_type)
            && only
                .checkpoint
                .as_ref()
                .is_none_or(|name| work.advance().is_some_and(|advance| advance.name() == name))
            && match (&only.stream, &self.effect) {
                (Some(stream), _) => streams.any(|append| append.stream() == stream),
                (None, Effect::Conflict) => !work.streams().is_empty(),
                (None, _) => true,
            }
    }

    fn fits_read(&self, operation: Option<OperationId>, stream: Option<&StreamId>) -> bool {
        let only = &self.only;
        self.is_for_reads()
            && only.event_type.is_none()
            && only.checkpoint.is_none()
            && (only.operation.is_none() || only.operation == operation)
            && (only.stream.is_none() || only.stream.as_ref() == stream)
    }
}

impl Chance {
    /// One step of SplitMix64 (Steele, Lea, Flood: "Fast splittable
    /// pseudorandom number generators", 2014).
    fn hits(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).is_multiple_of(self.one_in)
    }
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Opens the gate, for good.
    pub fn release(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        let opened = self.0.subscribe().wait_for(|open| *open).await.map(drop);
        opened.expect("the gate holds its own sender");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Default)]
struct Script {
    faults: Vec<Fault>,
    /// Units in the order in which they were handed over.
    units: Vec<(CommittedUnit, bool)>,
    /// Calls that read.
    reads: u64,
    /// Units that wait for a gate, or behind one that does.
    waiting: Vec<(OperationId, Ending)>,
}

/// Ends when the other half is dropped.
#[derive(Clone)]
struct Ending(watch::Receiver<()>);

impl Ending {
    async fn reached(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Script {
    fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Effect> {
        let due = |fault: &mut Fault| {
            fits(fault) && fault.times > 0 && fault.chance.as_mut().is_none_or(Chance::hits)
        };
        let met = self.faults.iter_mut().position(due)?;
        let fault = &mut self.faults[met];
        fault.times -= 1;
        let effect = fault.effect.clone();
        self.faults.retain(|fault| fault.times > 0);
        Some(effect)
    }

    fn note(&mut self, work: &UnitOfWork) -> usize {
        let streams = work.streams();
        let types = streams.iter().flat_map(|append| append.events());
        let unit = CommittedUnit {
            operation: work.operation().id(),
            streams: streams.iter().map(|append| append.stream().clone()).collect(),
            types: types.map(|event| event.event_type().clone()).collect(),
        };
        self.units.push((unit, false));
        self.units.len() - 1
    }

    fn last_waiting(&mut self) -> Option<Ending> {
        self.waiting.retain(|(_, ending)| ending.0.has_changed().is_ok());
        self.waiting.last().map(|(_, ending)| ending.clone())
    }
}

impl FaultyStore {
    /// Stands before a store, with an empty script.
    #[must_use]
    pub fn new(store: impl EventStore) -> Self {
        Self { inner: Store::new(store), script: Arc::default(), hears: None }
    }

    /// Hears of no commit by its [watch](EventStore::watch), as a store does whose
    /// commits all come from other processes.
    #[must_use]
    pub fn unaware(mut self) -> Self {
        self.hears = Some(Arc::new(CommitSignal::new(self.inner.watch().head())));
        self
    }

    /// Adds a fault to the script. When several fit a call, the one that was
    /// added first meets it.
    pub fn inject(&self, fault: Fault) {
        self.script().faults.push(fault);
    }

    /// Drops what is left of the script. What waits for a gate goes on
    /// waiting.
    pub fn recover(&self) {
        self.script().faults.clear();
    }

    /// The units that have committed, in order, whatever the caller was told.
    /// Repeats that wrote nothing are not among them.
    #[must_use]
    pub fn committed(&self) -> Vec<CommittedUnit> {
        let script = self.script();
        script.units.iter().filter(|(_, done)| *done).map(|(unit, _)| unit.clone()).collect()
    }

    /// How many calls have read, whatever they were told: pages, heads, rows,
    /// checkpoints, snapshots, leases, outcomes.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.script().reads
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no code that may panic runs under the lock")
    }

    /// The lock is held until the unit has its place, so that concurrent
    /// calls are noted in the order in which they commit.
    fn hand_over(&self, work: UnitOfWork) -> JoinHandle<Result<Commit, CommitError>> {
        let (end, ending) = watch::channel(());
        let mut script = self.script();
        let place = script.note(&work);
        let effect = script.take(|fault| fault.fits_unit(&work));
        let before = script.last_waiting();
        let this = self.clone();
        if effect.is_none() && before.is_none() {
            let answer = self.inner.commit(work);
            drop(script);
            return spawn(async move { this.noted(place, answer.await) });
        }
        script.waiting.push((work.operation().id(), Ending(ending)));
        drop(script);
        spawn(async move {
            if let Some(before) = before {
                before.reached().await;
            }
            let answer = this.commit_with(effect, work, place).await;
            drop(end);
            answer
        })
    }

    fn noted(
        &self,
        place: usize,
        answer: Result<Commit, CommitError>,
    ) -> Result<Commit, CommitError> {
        if answer.as_ref().is_ok_and(|commit| !commit.is_repeated()) {
            self.script().units[place].1 = true;
        }
        answer
    }

    async fn commit_with(
        &self,
        effect: Option<Effect>,
        work: UnitOfWork,
        place: usize,
    ) -> Result<Commit, CommitError> {
        let operation = work.operation().id();
        match effect {
            Some(Effect::Unavailable) => {
                work.sever_lineage();
                Err(CommitError::Unavailable { reason: "injected".into(), transient: true })
            }
            Some(Effect::Conflict) => self.conflict(&work).await,
            Some(Effect::LostAcknowledgement) => {
                let _lost = self.noted(place, self.inner.commit(work).await);
                Err(CommitError::Unknown { operation, reason: "injected".into() })
            }
            Some(Effect::Delay(gate)) => {
                gate.passed().await;
                self.noted(place, self.inner.commit(work).await)
            }
            Some(
                Effect::Unreadable
                | Effect::StalledRead(_)
                | Effect::Unleasable
                | Effect::StalledLease(_)
                | Effect::LateLease(_),
            )
            | None => self.noted(place, self.inner.commit(work).await),
        }
    }

    async fn conflict(&self, work: &UnitOfWork) -> Result<Commit, CommitError> {
        work.sever_lineage();
        let append = &work.streams()[0];
        let actual = self.inner.stream_head(append.stream()).await.unwrap_or_default();
        let (stream, expected) = (append.stream().clone(), append.expected());
        Err(CommitError::Conflict { stream, expected, actual })
    }

    async fn before_read(
        &self,
        operation: Option<OperationId>,
        stream: Option<&StreamId>,
    ) -> Result<(), ReadError> {
        let effect = {
            let mut script = self.script();
            script.reads += 1;
            script.take(|fault| fault.fits_read(operation, stream))
        };
        match effect {
            Some(Effect::StalledRead(gate)) => gate.passed().await,
            Some(_) => return Err(ReadError::Unavailable { reason: "injected".into() }),
            None => {}
        }
        Ok(())
    }

    /// What goes wrong with a request for a lease: at once, or by an answer that
    /// comes late.
    async fn of_lease<T>(
        &self,
        asked: impl Future<Output = Result<T, LeaseError>>,
    ) -> Result<T, LeaseError> {
        let effect = self.script().take(|fault| fault.effect.is_of_leases());
        match effect {
            Some(Effect::StalledLease(gate)) => gate.passed().await,
            Some(Effect::LateLease(gate)) => {
                let answer = asked.await;
                gate.passed().await;
                return answer;
            }
            Some(_) => {
                let (reason, transient) = ("injected".into(), true);
                return Err(LeaseError::Unavailable { reason, transient });
            }
            None => {}
        }
        asked.await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a store is handed no spawner, and must not lose units"
)]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

impl EventStore for FaultyStore {
    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        self.before_read(None, None).await?;
        self.inner.info().await
    }

    fn commit(
        &self,
        work: UnitOfWork,
    ) -> impl Future<Output = Result<Commit, CommitError>> + Send + 'static {
        let operation = work.operation().id();
        let running = self.hand_over(work);
        async move {
            let ended = || CommitError::Unknown { operation, reason: "the runtime ended".into() };
            running.await.unwrap_or_else(|_| Err(ended()))
        }
    }

    async fn operations(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedOperation>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.operations(after, limit).await
    }

    async fn resolve(&self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        self.before_read(Some(operation), None).await?;
        let under_way: Vec<_> = {
            let script = self.script();
            let of_it = script.waiting.iter().filter(|(id, _)| *id == operation);
            of_it.map(|(_, ending)| ending.clone()).collect()
        };
        for unit in under_way {
            unit.reached().await;
        }
        self.inner.resolve(operation).await
    }

    async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        let stream = match request.source() {
            Source::Stream(stream) => Some(stream.clone()),
            _ => None,
        };
        self.before_read(None, stream.as_ref()).await?;
        self.inner.read(request).await
    }

    async fn stream_head(&self, stream: &StreamId) -> Result<StreamVersion, ReadError> {
        self.before_read(None, Some(stream)).await?;
        self.inner.stream_head(stream).await
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Option<Position>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.position_of(token).await
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        self.before_read(None, Some(stream)).await?;
        self.inner.snapshot(stream).await
    }

    async fn checkpoint(&self, name: &CheckpointName) -> Result<Option<Checkpoint>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.checkpoint(name).await
    }

    async fn claim_checkpoint(&self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        self.inner.claim_checkpoint(name).await
    }

    async fn acquire_lease(
        &self,
        name: &LeaseName,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Option<Lease>, LeaseError> {
        self.of_lease(self.inner.acquire_lease(name, holder, ttl)).await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Lease, LeaseError> {
        self.of_lease(self.inner.renew_lease(lease, ttl)).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        self.of_lease(self.inner.release_lease(lease)).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.leases(prefix).await
    }

    async fn row(&self, table: &TableName, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.row(table, key).await
    }

    async fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        self.before_read(None, None).await?;
        self.inner.rows(table, range, direction, limit).await
    }

    fn watch(&self) -> CommitWatch {
        self.hears.as_ref().map_or_else(|| self.inner.watch(), |signal| signal.watch())
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("faults", &self.script().faults).finish()
    }
}
