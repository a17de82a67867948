//! A command against its aggregate: load, decide, append; on a conflict
//! decide again on fresh state.
//!
//! A command is decided on the state behind those ahead of it, even while
//! their commit is under way. Nothing is acknowledged before its own commit.
//! When a commit fails, the store severs the lineage, all units decided
//! behind it fail as superseded, and each of their commands is decided again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::{AggregateCache, Loaded, Slot};
use super::load::{LoadError, Until, load, panic_message};
use super::repository::encode_events;
use super::{Apply, Decides, Decision, InvalidId};
use crate::bus::{BusError, CommandError, Context};
use crate::command::Command;
use crate::event::Event;
use crate::message::{Codec, CodecError, Json, OperationId};
use crate::runtime::{BoxFuture, Services, TaskSet};
use crate::store::{
    Category, Commit, CommitError, EventStore, ExpectedVersion, Lineage, Operation, Store,
    StreamId, StreamVersion, UnitOfWork,
};

/// How often a command is decided again after losing against another writer.
/// Default 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimit(pub u32);

impl Default for RetryLimit {
    fn default() -> Self {
        Self(10)
    }
}

/// Superseded units are redecided without counting as conflicts; the bound
/// only ends what could otherwise go on for ever.
const MAX_SUPERSEDED: u32 = 10_000;

/// Snapshots that may be under way at once.
const SNAPSHOT_JOBS: usize = 4;

/// What runs the commands of one aggregate type in one application.
pub(crate) struct AggregateRuntime<A> {
    pub(super) store: Store,
    pub(super) services: Arc<Services>,
    cache: AggregateCache<A>,
    retries: RetryLimit,
    tasks: TaskSet,
}

/// What a decision has led to, before anything is awaited.
enum Step<V, E> {
    /// Final, nothing to wait for.
    Done(Result<V, CommandError<E>>),
    /// Handed to the store; the outcome holds if it commits.
    Pending(Pending<Result<V, E>>),
}

struct Pending<T> {
    commit: BoxFuture<'static, Result<Commit, CommitError>>,
    operation: OperationId,
    outcome: T,
    lineage: Lineage,
    snapshot_at: Option<StreamVersion>,
}

/// Why an attempt did not end the command.
enum Again {
    Conflict(CommitError),
    Superseded,
    /// The store could not write just now; nothing was written.
    Transient(CommitError),
}

/// How often a command has been tried, and for what reasons again.
struct Tries {
    start: Duration,
    conflicts: u32,
    superseded: u32,
    transient: u32,
}

/// Pauses before the store is asked again after it could not write: 10, 20
/// and 40 milliseconds, spread by up to half. A store that has waited for
/// longer than [`PATIENCE`] by itself is not asked again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(40)];
const PATIENCE: Duration = Duration::from_secs(1);

impl Tries {
    fn new(start: Duration) -> Self {
        Self { start, conflicts: 0, superseded: 0, transient: 0 }
    }

    /// Whether to try again, and after what pause.
    fn next<A: Apply>(
        &mut self,
        again: Again,
        runtime: &AggregateRuntime<A>,
    ) -> Result<Option<Duration>, BusError> {
        match again {
            Again::Superseded if self.superseded < MAX_SUPERSEDED => self.superseded += 1,
            Again::Superseded => return Err(CommitError::Superseded.into()),
            Again::Conflict(source) => {
                self.conflicts += 1;
                if self.conflicts > runtime.retries.0 {
                    return Err(BusError::Conflict { attempts: self.conflicts, source });
                }
            }
            Again::Transient(error) => {
                let services = &runtime.services;
                let waited = services.clock.monotonic().saturating_sub(self.start);
                let pause = PAUSES.get(self.transient as usize).filter(|_| waited < PATIENCE);
                let Some(pause) = pause else { return Err(error.into()) };
                self.transient += 1;
                let spread = services.random.next_u64() % 512;
                return Ok(Some(pause.mul_f64(1.0 + spread as f64 / 1024.0)));
            }
        }
        Ok(None)
    }
}

type Answer<A, C> = Result<<A as Decides<C>>::Value, CommandError<<A as super::Aggregate>::Error>>;

impl<A: Apply> AggregateRuntime<A> {
    pub(crate) fn new(
        store: Store,
        services: Arc<Services>,
        tasks: TaskSet,
        capacity: usize,
        retries: RetryLimit,
    ) -> Self {
        Self { store, services, cache: AggregateCache::new(capacity), retries, tasks }
    }

    pub(super) fn stream(&self, id: &A::Id, ctx: &Context) -> Result<StreamId, LoadError> {
        use super::AggregateId;
        let key = id.to_key();
        Ok(StreamId::of_tenant(ctx.tenant(), Category::named(A::NAME), &*key)?)
    }

    /// Runs a command to its end.
    pub(crate) async fn execute<C>(&self, command: &C, id: &A::Id, ctx: &Context) -> Answer<A, C>
    where
        A: Decides<C>,
        C: Command,
    {
        let stream = self.stream(id, ctx)?;
        let operation = match ctx.next_operation() {
            None => None,
            Some(id) => {
                let fingerprint = fingerprint(command).map_err(|source| BusError::Encode {
                    event_type: C::NAME.to_owned(),
                    source,
                })?;
                Some(Operation::given(id).with_fingerprint(fingerprint))
            }
        };
        let mut tries = Tries::new(self.services.clock.monotonic());
        loop {
            match self.attempt(command, &stream, operation, ctx).await {
                Ok(answer) => return answer,
                Err(again) => match tries.next(again, self) {
                    Ok(None) => {}
                    Ok(Some(pause)) => self.services.clock.sleep(pause).await,
                    Err(error) => return Err(error.into()),
                },
            }
        }
    }

    async fn attempt<C>(
        &self,
        command: &C,
        stream: &StreamId,
        operation: Option<Operation>,
        ctx: &Context,
    ) -> Result<Answer<A, C>, Again>
    where
        A: Decides<C>,
        C: Command,
    {
        let slot = self.cache.slot(stream);
        let decide = |loaded: &mut Option<Loaded<A>>, fresh| {
            self.decide(loaded, fresh, command, stream, operation, ctx)
        };
        // A given operation is looked up in its turn, before it is decided.
        let at_once = operation.is_none() && slot.is_open();
        let ready = if at_once { decide(&mut slot.state(), false) } else { None };
        let step = match ready {
            Some(step) => step,
            None => {
                let _turn = slot.turn().await;
                if let Some(operation) = operation
                    && let Some(answer) = self.recorded::<C>(operation, command, ctx).await
                {
                    return Ok(answer);
                }
                let fresh = match self.ensure_loaded(&slot, stream).await {
                    Ok(fresh) => fresh,
                    Err(error) => return Ok(Err(error.into())),
                };
                decide(&mut slot.state(), fresh).ok_or(Again::Superseded)?
            }
        };
        match step {
            Step::Done(answer) => Ok(answer),
            Step::Pending(pending) => self.settle::<C>(pending, stream, ctx).await,
        }
    }

    /// The recorded outcome of an operation, if it has committed before.
    async fn recorded<C>(
        &self,
        operation: Operation,
        command: &C,
        ctx: &Context,
    ) -> Option<Answer<A, C>>
    where
        A: Decides<C>,
        C: Command,
    {
        let commit = match self.store.resolve(operation.id()).await {
            Ok(commit) => commit?,
            Err(error) => return Some(Err(BusError::from(error).into())),
        };
        Some(match fingerprint(command) {
            Ok(fingerprint) => answer_again::<A, C>(commit, fingerprint, ctx),
            Err(source) => Err(BusError::Encode { event_type: C::NAME.to_owned(), source }.into()),
        })
    }

    /// Whether the state was loaded just now.
    async fn ensure_loaded(&self, slot: &Slot<A>, stream: &StreamId) -> Result<bool, LoadError> {
        if slot.state().is_some() {
            return Ok(false);
        }
        let (state, version) = load::<A>(&self.store, stream, Until::Head).await?;
        let (lineage, last_snapshot) = (Lineage::new(), self.services.clock.monotonic());
        *slot.state() = Some(Loaded { state, version, lineage, last_snapshot });
        Ok(true)
    }

    /// Decides, applies and hands over, all without waiting; `None` when no
    /// state is loaded. The state is forgotten when it can no longer be
    /// trusted.
    fn decide<C>(
        &self,
        slot: &mut Option<Loaded<A>>,
        fresh: bool,
        command: &C,
        stream: &StreamId,
        operation: Option<Operation>,
        ctx: &Context,
    ) -> Option<Step<<A as Decides<C>>::Value, A::Error>>
    where
        A: Decides<C>,
        C: Command,
    {
        let loaded = slot.as_mut()?;
        let metadata = || ctx.metadata().clone();
        let decided = catch_unwind(AssertUnwindSafe(|| loaded.state.decide(command, &metadata)));
        let certain = operation.is_none() && (fresh || A::STALE_REJECTIONS);
        let step = match decided {
            Err(panic) => return self.panicked::<C, _>(slot, &*panic),
            Ok(Err(rejection)) if fresh || A::STALE_REJECTIONS => {
                Step::Done(Err(CommandError::Rejected(rejection)))
            }
            // A rejection is never recorded: it is checked by a unit of its own.
            Ok(Err(rejection)) => {
                let work = self.check(loaded, stream, None);
                Step::Pending(self.submit(loaded, work, Err(rejection)))
            }
            Ok(Ok(decision)) if decision.events().is_empty() && certain => {
                Step::Done(Ok(decision.value))
            }
            Ok(Ok(decision)) if decision.events().is_empty() => {
                let work = self.check(loaded, stream, operation);
                match encode_reply(&decision.value) {
                    Ok(reply) => {
                        let work = work.with_reply(reply);
                        Step::Pending(self.submit(loaded, work, Ok(decision.value)))
                    }
                    Err(error) => Step::Done(Err(error.into())),
                }
            }
            Ok(Ok(decision)) => {
                let handed = catch_unwind(AssertUnwindSafe(|| {
                    self.hand_over(loaded, stream, operation, decision, ctx)
                }));
                match handed {
                    Ok(Ok(pending)) => Step::Pending(pending),
                    Ok(Err(error)) => Step::Done(Err(error.into())),
                    Err(panic) => return self.panicked::<C, _>(slot, &*panic),
                }
            }
        };
        Some(step)
    }

    fn panicked<C: Command, V>(
        &self,
        slot: &mut Option<Loaded<A>>,
        panic: &(dyn std::any::Any + Send),
    ) -> Option<Step<V, A::Error>> {
        *slot = None;
        let error = BusError::HandlerPanicked { name: C::NAME, message: panic_message(panic) };
        Some(Step::Done(Err(error.into())))
    }

    /// A unit that asks the store whether the stream is still where the cached
    /// state is, in the order of the units ahead.
    fn check(
        &self,
        loaded: &Loaded<A>,
        stream: &StreamId,
        operation: Option<Operation>,
    ) -> UnitOfWork {
        let now = self.services.now();
        let operation = operation.unwrap_or_else(|| Operation::fresh(self.services.id(now).into()));
        let expected = ExpectedVersion::Exact(loaded.version);
        UnitOfWork::new(operation, now)
            .append(stream.clone(), expected, Vec::new())
            .in_lineage(loaded.lineage.clone())
    }

    /// Hands a unit to the store, in this order.
    fn submit<T>(&self, loaded: &Loaded<A>, work: UnitOfWork, outcome: T) -> Pending<T> {
        let (operation, lineage) = (work.operation().id(), loaded.lineage.clone());
        let commit = self.store.submit(work);
        Pending { commit, operation, outcome, lineage, snapshot_at: None }
    }

    fn hand_over<V: Serialize>(
        &self,
        loaded: &mut Loaded<A>,
        stream: &StreamId,
        operation: Option<Operation>,
        decision: Decision<A::Event, V>,
        ctx: &Context,
    ) -> Result<Pending<Result<V, A::Error>>, BusError> {
        let metadata = ctx.metadata();
        let now = metadata.timestamp;
        let Decision { events, value } = decision;
        let events = events.as_slice();
        let encoded = encode_events(events, metadata, &self.services)?;
        let reply = encode_reply(&value)?;
        let operation = operation.unwrap_or_else(|| Operation::fresh(self.services.id(now).into()));
        let expected = ExpectedVersion::Exact(loaded.version);
        let mut work = UnitOfWork::new(operation, now)
            .append(stream.clone(), expected, encoded)
            .in_lineage(loaded.lineage.clone())
            .with_reply(reply);
        let from = loaded.version;
        let version = from.plus(events.len() as u64);
        // From here on the state runs ahead; `apply` may panic, and the caller
        // then forgets it.
        for event in events {
            loaded.state.apply(event);
        }
        loaded.version = version;
        if A::STATE_STORED {
            work = work.save(self.stored_state(loaded, stream, now)?);
        }
        let snapshot_at = self.snapshot_due(loaded, from, events).then_some(version);
        Ok(Pending { snapshot_at, ..self.submit(loaded, work, Ok(value)) })
    }

    fn stored_state(
        &self,
        loaded: &Loaded<A>,
        stream: &StreamId,
        now: crate::Timestamp,
    ) -> Result<crate::store::Snapshot, BusError> {
        let codec = A::STATE.expect("the derive gives a stored state its codec");
        codec.take(&loaded.state, stream, loaded.version, now).map_err(|source| {
            loaded.lineage.sever();
            BusError::Encode { event_type: A::NAME.to_owned(), source }
        })
    }

    fn snapshot_due(
        &self,
        loaded: &mut Loaded<A>,
        from: StreamVersion,
        events: &[A::Event],
    ) -> bool {
        if A::SNAPSHOTS.is_never() || A::STATE.is_none() || A::STATE_STORED {
            return false;
        }
        let now = self.services.clock.monotonic();
        let types = events.iter().map(|event| event.event_type().name);
        let age: Duration = now.saturating_sub(loaded.last_snapshot);
        let due = A::SNAPSHOTS.is_due(from, loaded.version, types, age);
        if due {
            loaded.last_snapshot = now;
        }
        due
    }

    async fn settle<C>(
        &self,
        pending: Pending<Result<<A as Decides<C>>::Value, A::Error>>,
        stream: &StreamId,
        ctx: &Context,
    ) -> Result<Answer<A, C>, Again>
    where
        A: Decides<C>,
    {
        let Pending { commit, operation, outcome, lineage, snapshot_at } = pending;
        ctx.handed_over(operation);
        match commit.await {
            Ok(commit) if commit.is_repeated() => {
                // Another call with this operation was faster: what this one
                // has applied to the cached state never happened.
                lineage.sever();
                let fingerprint = commit.fingerprint();
                Ok(answer_again::<A, C>(commit, fingerprint, ctx))
            }
            Ok(commit) => {
                ctx.committed(commit);
                if let Some(version) = snapshot_at {
                    self.take_snapshot(stream.clone(), version);
                }
                Ok(outcome.map_err(CommandError::Rejected))
            }
            Err(error) => {
                ctx.came_back();
                match error {
                    CommitError::Superseded => Err(Again::Superseded),
                    error if error.is_conflict() => Err(Again::Conflict(error)),
                    error @ CommitError::Unavailable { transient: true, .. } => {
                        Err(Again::Transient(error))
                    }
                    error => Ok(Err(error.into())),
                }
            }
        }
    }

    /// Takes a snapshot behind the command's back. Losing one costs a longer
    /// replay and nothing else.
    fn take_snapshot(&self, stream: StreamId, version: StreamVersion) {
        let (store, services) = (self.store.clone(), Arc::clone(&self.services));
        let task = async move {
            let taken = async {
                let (state, at) = load::<A>(&store, &stream, Until::Version(version)).await?;
                let codec = A::STATE.expect("a snapshot is due only when the state has a codec");
                let now = services.now();
                let Ok(snapshot) = codec.take(&state, &stream, at, now) else {
                    tracing::warn!(%stream, %version, "snapshot left out: the state cannot be stored");
                    return Ok(());
                };
                let operation = Operation::fresh(services.id(now).into());
                let work = UnitOfWork::new(operation, now).save(snapshot);
                store.commit(work).await.map(drop).map_err(BusError::from)
            };
            let taken: Result<(), BusError> = taken.await;
            if let Err(error) = taken {
                tracing::warn!(%version, %error, "snapshot left out");
            }
        };
        self.tasks.job("snapshot", SNAPSHOT_JOBS, Box::pin(task));
    }
}

/// XXH3-128 over the command's name and content.
fn fingerprint<C: Command>(command: &C) -> Result<u128, CodecError> {
    let mut bytes = C::NAME.as_bytes().to_vec();
    bytes.push(0);
    Json::encode(command, &mut bytes)?;
    Ok(xxhash_rust::xxh3::xxh3_128(&bytes))
}

fn encode_reply<V: Serialize>(value: &V) -> Result<Bytes, BusError> {
    if size_of::<V>() == 0 {
        return Ok(Bytes::new());
    }
    let mut out = Vec::new();
    Json::encode(value, &mut out).map_err(|source| BusError::Encode {
        event_type: "the command's answer".to_owned(),
        source,
    })?;
    Ok(out.into())
}

fn decode_reply<V: DeserializeOwned>(reply: &[u8]) -> Result<V, CodecError> {
    Json::decode(if reply.is_empty() { b"null" } else { reply })
}

/// The recorded outcome of an operation that has committed before.
fn answer_again<A: Decides<C>, C>(
    commit: Commit,
    fingerprint: u128,
    ctx: &Context,
) -> Answer<A, C> {
    let operation = commit.operation();
    if commit.fingerprint() != fingerprint {
        return Err(BusError::OperationReused { operation }.into());
    }
    let value = decode_reply(commit.reply()).map_err(|source| BusError::Encode {
        event_type: "the recorded answer".to_owned(),
        source,
    })?;
    ctx.committed(commit.repeated());
    Ok(value)
}

impl From<InvalidId> for BusError {
    fn from(error: InvalidId) -> Self {
        Self::Load(error.into())
    }
}
