//! From a command and a state to a unit that is handed to the store, all
//! without waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::answer::encode_reply;
use super::cache::Loaded;
use super::load::panic_message;
use super::repository::{cause, encode_events};
use super::{AggregateRuntime, Apply, Decides, Decision};
use crate::bus::{BusError, CommandError, Context};
use crate::command::Command;
use crate::message::OperationId;
use crate::store::{
    Committing, ExpectedVersion, Few, Lineage, Operation, StreamId, StreamVersion, UnitOfWork,
};

/// What a decision has led to, before anything is awaited.
pub(super) enum Step<V, E> {
    /// Final, nothing to wait for.
    Done(Result<V, CommandError<E>>),
    /// Handed to the store; the outcome holds if it commits.
    Pending(Committing, Unit<Result<V, CommandError<E>>>),
}

/// What is known of a unit that was handed over.
pub(super) struct Unit<T> {
    pub(super) operation: OperationId,
    pub(super) outcome: T,
    /// Of a unit whose operation was given, and may have committed before.
    pub(super) lineage: Option<Lineage>,
    pub(super) snapshot_at: Option<StreamVersion>,
}

impl<A: Apply> AggregateRuntime<A> {
    /// Decides, applies and hands over; `None` when no state is loaded. The
    /// state is forgotten when it can no longer be trusted.
    pub(super) fn decide<C>(
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
        if loaded.deleted {
            let deleted = BusError::AggregateDeleted { stream: stream.clone() };
            return Some(self.turn_down(loaded, fresh, stream, deleted.into()));
        }
        let step = catch_unwind(AssertUnwindSafe(|| {
            let decided = loaded.state.decide(command, &|| ctx.metadata().clone());
            self.follow_up(loaded, fresh, decided, stream, operation, ctx)
        }));
        Some(step.unwrap_or_else(|panic| {
            *slot = None;
            let message = panic_message(&*panic);
            Step::Done(Err(BusError::HandlerPanicked { name: C::NAME, message }.into()))
        }))
    }

    fn follow_up<V: Serialize>(
        &self,
        loaded: &mut Loaded<A>,
        fresh: bool,
        decided: Result<Decision<A::Event, V>, A::Error>,
        stream: &StreamId,
        operation: Option<Operation>,
        ctx: &Context,
    ) -> Step<V, A::Error> {
        let certain = fresh || A::STALE_REJECTIONS;
        let step = match decided {
            Err(rejection) => {
                let rejected = CommandError::Rejected(rejection);
                return self.turn_down(loaded, certain, stream, rejected);
            }
            Ok(decision) if !decision.events().is_empty() => {
                self.hand_over(loaded, stream, operation, decision, ctx)
            }
            Ok(decision) if certain && operation.is_none() => {
                return Step::Done(Ok(decision.value));
            }
            Ok(decision) => encode_reply(&decision.value).map(|reply| {
                let work = self.check(loaded, stream, operation).with_reply(reply);
                self.submit(loaded, work, Ok(decision.value))
            }),
        };
        step.unwrap_or_else(|error| Step::Done(Err(error.into())))
    }

    /// Refuses a command, after the store has confirmed the state unless that
    /// is certain. A refusal is never recorded: it is checked by a unit of its
    /// own.
    fn turn_down<V>(
        &self,
        loaded: &Loaded<A>,
        certain: bool,
        stream: &StreamId,
        refusal: CommandError<A::Error>,
    ) -> Step<V, A::Error> {
        if certain {
            return Step::Done(Err(refusal));
        }
        let work = self.check(loaded, stream, None);
        self.submit(loaded, work, Err(refusal))
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
            .append_few(stream.clone(), expected, Few::new())
            .in_lineage(loaded.lineage.clone())
    }

    /// Hands a unit to the store, in this order.
    fn submit<V>(
        &self,
        loaded: &Loaded<A>,
        work: UnitOfWork,
        outcome: Result<V, CommandError<A::Error>>,
    ) -> Step<V, A::Error> {
        let operation = work.operation();
        let lineage = (!operation.is_fresh()).then(|| loaded.lineage.clone());
        let unit = Unit { operation: operation.id(), outcome, lineage, snapshot_at: None };
        Step::Pending(self.store.submit(work), unit)
    }

    fn hand_over<V: Serialize>(
        &self,
        loaded: &mut Loaded<A>,
        stream: &StreamId,
        operation: Option<Operation>,
        decision: Decision<A::Event, V>,
        ctx: &Context,
    ) -> Result<Step<V, A::Error>, BusError> {
        let Decision { events, value } = decision;
        let cause = cause(ctx)?;
        let now = cause.occurred_at;
        let encoded = encode_events(&events, &cause, &self.services)?;
        let reply = encode_reply(&value)?;
        let operation = operation.unwrap_or_else(|| Operation::fresh(self.services.id(now).into()));
        let from = loaded.version;
        let mut work = UnitOfWork::new(operation, now)
            .append_few(stream.clone(), ExpectedVersion::Exact(from), encoded)
            .in_lineage(loaded.lineage.clone())
            .with_reply(reply);
        // From here on the state runs ahead; `apply` may panic, and the caller
        // then forgets it.
        for event in &*events {
            loaded.state.apply(event);
        }
        loaded.version = from.plus(events.len() as u64);
        if A::STATE_STORED && !loaded.partial {
            work = work.save(self.stored_state(loaded, stream, now)?);
        }
        let due = self.snapshot_due(loaded, from, &events).then_some(loaded.version);
        let mut step = self.submit(loaded, work, Ok(value));
        if let Step::Pending(_, unit) = &mut step {
            unit.snapshot_at = due;
        }
        Ok(step)
    }
}
