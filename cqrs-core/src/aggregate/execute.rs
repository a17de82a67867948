//! A command against its aggregate: load, decide, append; on a conflict
//! decide again on fresh state.
//!
//! A command is decided on the state behind those ahead of it, even while
//! their commit is under way. Nothing is acknowledged before its own commit.
//! When a commit fails, the store severs the lineage, all units decided
//! behind it fail as superseded, and each of their commands is decided again.

use std::any::Any;
use std::sync::Arc;

use super::answer::{Answer, answer_again, fingerprint};
use super::cache::{AggregateCache, Loaded, Slot};
use super::decide::{Step, Unit};
use super::load::{LoadError, Replayed, Until, load};
use super::tries::{Again, LiveRetryLimit, Tries};
use super::{Aggregate, AggregateId, Apply, Decides};
use crate::bus::{BusError, Context, Now};
use crate::command::Command;
use crate::runtime::{Services, TaskSet};
use crate::store::{
    Category, Commit, CommitError, EventStore, Lineage, Operation, Store, StreamId,
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

/// What runs the commands of one aggregate type in one application.
pub(crate) struct AggregateRuntime<A: Aggregate> {
    pub(super) store: Store,
    pub(super) services: Arc<Services>,
    pub(super) tasks: TaskSet,
    pub(super) retries: LiveRetryLimit,
    cache: AggregateCache<A>,
}

/// An attempt that has led to a step, or to none.
type Attempt<A, C> = Result<Step<<A as Decides<C>>::Value, <A as Aggregate>::Error>, Again>;

/// A command whose first attempt is made.
struct Paused<A: Decides<C>, C> {
    slot: Arc<Slot<A>>,
    first: Attempt<A, C>,
}

impl<A: Apply> AggregateRuntime<A> {
    pub(crate) fn new(
        store: Store,
        services: Arc<Services>,
        tasks: TaskSet,
        capacity: usize,
        retries: LiveRetryLimit,
    ) -> Self {
        Self { store, services, tasks, cache: AggregateCache::new(capacity), retries }
    }

    pub(super) fn stream(&self, id: &A::Id, ctx: &Context) -> Result<StreamId, LoadError> {
        let key = id.to_key();
        Ok(StreamId::of_tenant(ctx.tenant(), Category::named(A::NAME), &*key)?)
    }

    /// Runs a command as far as it goes without a future: to its end, when the
    /// state is loaded and the store does not wait.
    pub(crate) fn now<C>(&self, command: &C, id: &A::Id, ctx: &Context) -> Now<Answer<A, C>>
    where
        A: Decides<C>,
        C: Command,
    {
        let slot = if ctx.names_operation() { None } else { self.cache.find(ctx.tenant_ref(), id) };
        let Some(slot) = slot else { return Now::NotYet };
        let first: Attempt<A, C> = match self.at_once(command, &slot, ctx) {
            None => return Now::NotYet,
            Some(Step::Done(answer)) => return Now::Ended(answer),
            Some(Step::Pending(mut commit, unit)) => match commit.now() {
                None => Ok(Step::Pending(commit, unit)),
                Some(outcome) => match self.settle::<C>(outcome, unit, &slot, ctx) {
                    Ok(answer) => return Now::Ended(answer),
                    Err(again) => Err(again),
                },
            },
        };
        Now::Begun(Box::new(Paused::<A, C> { slot, first }))
    }

    /// The rest of a command that has begun.
    pub(crate) async fn resume<C>(
        &self,
        begun: Box<dyn Any + Send>,
        command: &C,
        id: &A::Id,
        ctx: &Context,
    ) -> Answer<A, C>
    where
        A: Decides<C>,
        C: Command,
    {
        match begun.downcast::<Paused<A, C>>() {
            Ok(paused) => {
                let Paused { slot, first } = *paused;
                self.run(command, slot, None, Some(first), ctx).await
            }
            Err(_) => self.execute(command, id, ctx).await,
        }
    }

    /// Runs a command to its end.
    pub(crate) async fn execute<C>(&self, command: &C, id: &A::Id, ctx: &Context) -> Answer<A, C>
    where
        A: Decides<C>,
        C: Command,
    {
        let slot = self.cache.slot(ctx.tenant_ref(), id, || self.stream(id, ctx))?;
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
        self.run(command, slot, operation, None, ctx).await
    }

    /// Makes attempts until one ends the command; the first one may have been
    /// made.
    async fn run<C>(
        &self,
        command: &C,
        slot: Arc<Slot<A>>,
        operation: Option<Operation>,
        mut made: Option<Attempt<A, C>>,
        ctx: &Context,
    ) -> Answer<A, C>
    where
        A: Decides<C>,
        C: Command,
    {
        let limit = ctx.conflicts().unwrap_or_else(|| self.retries.get());
        let mut tries = Tries::new(self.services.clock.monotonic(), limit);
        loop {
            let attempt = match made.take() {
                Some(attempt) => attempt,
                None => self.attempt(command, &slot, operation, ctx).await,
            };
            let ended = match attempt {
                Ok(Step::Done(answer)) => return answer,
                Ok(Step::Pending(commit, unit)) => {
                    ctx.handed_over(unit.operation);
                    self.settle::<C>(commit.await, unit, &slot, ctx)
                }
                Err(again) => Err(again),
            };
            match ended {
                Ok(answer) => return answer,
                Err(again) => {
                    if let Some(pause) = tries.next(again, self)? {
                        self.services.clock.sleep(pause).await;
                    }
                }
            }
        }
    }

    async fn attempt<C>(
        &self,
        command: &C,
        slot: &Slot<A>,
        operation: Option<Operation>,
        ctx: &Context,
    ) -> Attempt<A, C>
    where
        A: Decides<C>,
        C: Command,
    {
        // A given operation is looked up in its turn, before it is decided.
        if operation.is_none()
            && let Some(step) = self.at_once(command, slot, ctx)
        {
            return Ok(step);
        }
        let _turn = slot.turn().await;
        if let Some(operation) = operation
            && let Some(answer) = self.recorded::<C>(operation, command, ctx).await?
        {
            return Ok(Step::Done(answer));
        }
        // Loading is rare, and its future large.
        let fresh = match Box::pin(self.ensure_loaded(slot)).await {
            Ok(fresh) => fresh,
            Err(error) if error.is_retryable() => return Err(Again::Transient(error.into())),
            Err(error) => return Ok(Step::Done(Err(error.into()))),
        };
        let decided = self.decide(&mut slot.state(), fresh, command, &slot.stream, operation, ctx);
        decided.ok_or(Again::Superseded)
    }

    /// Decides on the state as it is loaded, unless others wait for it.
    fn at_once<C>(
        &self,
        command: &C,
        slot: &Slot<A>,
        ctx: &Context,
    ) -> Option<Step<<A as Decides<C>>::Value, A::Error>>
    where
        A: Decides<C>,
        C: Command,
    {
        if !slot.is_open() {
            return None;
        }
        self.decide(&mut slot.state(), false, command, &slot.stream, None, ctx)
    }

    /// The recorded outcome of an operation, if it has committed before.
    async fn recorded<C>(
        &self,
        operation: Operation,
        command: &C,
        ctx: &Context,
    ) -> Result<Option<Answer<A, C>>, Again>
    where
        A: Decides<C>,
        C: Command,
    {
        let commit = match self.store.resolve(operation.id()).await {
            Ok(Some(commit)) => commit,
            Ok(None) => return Ok(None),
            Err(error) if error.is_retryable() => return Err(Again::Transient(error.into())),
            Err(error) => return Ok(Some(Err(BusError::from(error).into()))),
        };
        Ok(Some(match fingerprint(command) {
            Ok(fingerprint) => answer_again::<A, C>(commit, fingerprint, ctx),
            Err(source) => Err(BusError::Encode { event_type: C::NAME.to_owned(), source }.into()),
        }))
    }

    /// Whether the state was loaded just now.
    async fn ensure_loaded(&self, slot: &Slot<A>) -> Result<bool, LoadError> {
        if slot.state().is_some() {
            return Ok(false);
        }
        let loaded = load::<A>(&self.store, &self.services, &slot.stream, Until::Head).await?;
        let Replayed { state, version, deleted, partial } = loaded;
        let (lineage, last_snapshot) = (Lineage::new(), self.services.clock.monotonic());
        *slot.state() = Some(Loaded { state, version, deleted, partial, lineage, last_snapshot });
        Ok(true)
    }

    /// What the outcome of a commit means for the command behind it.
    #[inline]
    fn settle<C>(
        &self,
        outcome: Result<Commit, CommitError>,
        unit: Unit<Answer<A, C>>,
        slot: &Slot<A>,
        ctx: &Context,
    ) -> Result<Answer<A, C>, Again>
    where
        A: Decides<C>,
    {
        match outcome {
            Ok(commit) if commit.is_repeated() => {
                // Another call with this operation was faster: what this one
                // has applied to the cached state never happened.
                unit.lineage.iter().for_each(Lineage::sever);
                let fingerprint = commit.fingerprint();
                Ok(answer_again::<A, C>(commit, fingerprint, ctx))
            }
            Ok(commit) => {
                ctx.committed(commit);
                if let Some(version) = unit.snapshot_at {
                    self.take_snapshot(slot.stream.clone(), version);
                }
                Ok(unit.outcome)
            }
            Err(error) => {
                ctx.came_back();
                match error {
                    CommitError::Superseded => Err(Again::Superseded),
                    error if error.is_conflict() => Err(Again::Conflict(error)),
                    error @ CommitError::Unavailable { transient: true, .. } => {
                        Err(Again::Transient(error.into()))
                    }
                    error => Ok(Err(error.into())),
                }
            }
        }
    }
}
