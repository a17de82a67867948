//! One event, tried until it is done, parked, or has to wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::task::coop::consume_budget;

use super::dead_letter::ParkedFor;
use super::{EventCall, EventHandler, HandlerError, Pace, Recovery, RecoveryTable, first};
use crate::app::Bus;
use crate::bus::{
    AnyMessage, Attempt, Bounded, Call, CatchPanic, Context, Done, Failure, Origin, Outcome,
    Rejected, Started, panicked,
};
use crate::command::Violations;
use crate::error::{Category, Code, ErrorCode};
use crate::message::CodecError;
use crate::policy::{Answers, Meter, Stack};
use crate::projection::Delivery;
use crate::runtime::{BoxFuture, Services, TaskSet};
use crate::store::{Position, RecordedEvent};

/// What handles the events of one subscription, and how it recovers.
pub(crate) struct Deliverer {
    pub(crate) handler: Arc<dyn EventHandler>,
    pub(crate) stack: Stack,
    pub(crate) services: Arc<Services>,
    pub(crate) tasks: TaskSet,
    pub(crate) bus: Bus,
    pub(crate) recovery: RecoveryTable,
    pub(crate) pace: Arc<Pace>,
    /// The meter of each event type that it takes.
    pub(crate) meters: Vec<(&'static str, Arc<Meter>)>,
}

/// What has become of an event.
pub(super) enum Delivered {
    Done,
    Skipped,
    Parked(ParkedFor),
    /// The handler stands still at it.
    Stands(Failure),
    /// The application stops before it was done.
    Interrupted,
}

impl Deliverer {
    /// Tries an event as its recovery says.
    pub(super) async fn deliver(&self, event: &RecordedEvent, is_replay: bool) -> Delivered {
        let mut attempt = 1;
        loop {
            // Where neither log nor handler ever waits, others wait for this.
            consume_budget().await;
            let delivery = Delivery { attempt, is_replay };
            let Err(failure) = self.once(event, delivery).await else { return Delivered::Done };
            let parked = |failure: &Failure| {
                let code = failure.code().as_str().to_owned();
                Delivered::Parked(ParkedFor::Failed {
                    code,
                    error: failure.to_string(),
                    attempts: attempt,
                })
            };
            match self.recovery.of(failure.category()) {
                _ if matches!(failure, Failure::Bus(crate::bus::BusError::ShuttingDown)) => {
                    return Delivered::Interrupted;
                }
                Recovery::Skip => return Delivered::Skipped,
                Recovery::Stop => return Delivered::Stands(failure),
                Recovery::Park => return parked(&failure),
                Recovery::Retry => {
                    let (attempts, backoff) = self.pace.tries();
                    if attempt >= attempts {
                        return parked(&failure);
                    }
                    let pause = backoff.delay(attempt, &*self.services.random);
                    first(self.services.clock.sleep(pause), self.tasks.stopped()).await;
                    if self.tasks.is_stopping() {
                        return Delivered::Interrupted;
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Handles an event once, behind everything that stands around handlers.
    async fn once(&self, event: &RecordedEvent, delivery: Delivery) -> Outcome {
        let origin = match event.metadata() {
            Ok(metadata) => Origin::following(&metadata),
            Err(source) => return Err(said(HandlerError::with_code(Code::EVENT_CONTENT, source))),
        };
        let ctx = Context::new(Arc::clone(&self.services), origin);
        let call = EventCall {
            bus: self.bus.within(&ctx),
            ctx: ctx.clone(),
            delivery,
            handler: self.stack.target.name,
            event: event.id(),
            sent: AtomicU64::new(0),
        };
        let message = EventMessage(event.clone());
        let around = Call::new::<()>(&self.stack.target, &message, &ctx);
        let mut attempt = EventAttempt { deliverer: self, event, call: &call, run: None };
        let since = self.stack.observer.begin(&ctx);
        let run = CatchPanic(Box::pin(self.stack.run(&around, &mut attempt))).await;
        let outcome =
            run.unwrap_or_else(|panic| Err(panicked(self.stack.target.name, &*panic).into()));
        self.measure(event, since, &outcome);
        outcome
    }

    fn measure(&self, event: &RecordedEvent, since: Option<Duration>, outcome: &Outcome) {
        let Some(since) = since else { return };
        let took = self.services.clock.monotonic().saturating_sub(since);
        let (name, code) =
            (event.event_type().as_str(), outcome.as_ref().err().map(ErrorCode::code));
        if let Some((_, meter)) = self.meters.iter().find(|(known, _)| *known == name) {
            meter.record(took, code);
        }
        if let Some(collector) = &self.stack.observer.collector {
            collector.event_handled(self.stack.target.name, name, took, code);
        }
    }
}

/// A recorded event as a message.
struct EventMessage(RecordedEvent);

impl AnyMessage for EventMessage {
    fn as_any(&self) -> &dyn std::any::Any {
        &self.0
    }

    fn validate(&self) -> Result<(), Violations> {
        Ok(())
    }

    fn to_json(&self) -> Result<String, CodecError> {
        Ok(String::from_utf8_lossy(self.0.payload()).into_owned())
    }
}

struct EventAttempt<'a> {
    deliverer: &'a Deliverer,
    event: &'a RecordedEvent,
    call: &'a EventCall,
    run: Option<CatchPanic<BoxFuture<'a, Result<(), HandlerError>>>>,
}

impl Attempt for EventAttempt<'_> {
    fn begin(&mut self) -> Option<Outcome> {
        let future = self.deliverer.handler.handle(self.event, self.call);
        self.run = Some(CatchPanic(future));
        None
    }

    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        let Some(run) = &mut self.run else { return Poll::Pending };
        let Poll::Ready(ended) = Pin::new(run).poll(cx) else { return Poll::Pending };
        self.run = None;
        Poll::Ready(match ended {
            Ok(Ok(())) => Ok(Done::new()),
            Ok(Err(error)) => Err(said(error)),
            Err(panic) => Err(panicked(self.deliverer.stack.target.name, &*panic).into()),
        })
    }

    fn stop(&mut self) {
        self.run = None;
    }

    fn cached<'s>(
        &'s mut self,
        _call: &'s Call<'s>,
        _answers: &'s Answers,
        _ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Started<'s, Outcome> {
        Started::Waits(bounded.run(self))
    }
}

fn said(error: HandlerError) -> Failure {
    let code = error.code();
    let retryable =
        matches!(code.category(), Category::Transient | Category::Unknown | Category::Conflict);
    Failure::Rejected(Rejected { text: error.to_string(), code, retryable })
}

/// What stands in the status while a handler stands still.
pub(super) fn stands_at(position: Position, failure: &Failure) -> String {
    format!("the event at position {position}: {failure}")
}
