//! The bus that runs handlers in the call.
//!
//! As long as no handler waits or fails, nothing is spawned and nothing allocated: the
//! call runs the handlers where it stands. The first handler that may wait
//! goes into a task of the bus, with those behind it, and the call waits for
//! that task. So a caller that is dropped leaves no event half handled.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::builder::Setting;
use super::life::{Life, first};
use super::table::{Entries, Entry, Subscriptions};
use super::{
    BatchError, BusEvent, DeliveryError, ErrorStream, EventBus, EventKey, Failure, Failures,
    Flavour, PublishError, Subscriber, Subscription, SyncBusBuilder,
};
use crate::config;
use crate::event::Event;
use crate::runtime::{BoxFuture, Services};

/// The synchronous flavour: handlers run one after the other, by priority and
/// then in the order of subscription, and have ended when a call returns.
///
/// It needs no start. A handler that waits runs as a task of the bus, for
/// which there must be a runtime around. Concurrent calls run at once, each in
/// the order of its own caller. A handler may publish and wait: its event is
/// handled inside. It must not do so for ever.
pub struct SyncBus(Arc<Shared>);

struct Shared {
    setting: Setting,
    life: Life,
    subscriptions: Arc<Subscriptions<()>>,
    given_up: AtomicU64,
}

/// What is done about a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    StopAtTheFirst,
    AskAll,
}

/// One event on its way through its subscribers.
struct Round {
    event: BusEvent,
    entries: Entries<()>,
    /// The next to ask.
    at: usize,
    mode: Mode,
    failures: Vec<Failure>,
}

impl SyncBus {
    /// Builds one.
    pub fn builder() -> SyncBusBuilder {
        SyncBusBuilder::new()
    }

    pub(super) fn of(setting: Setting) -> Self {
        let (life, subscriptions) = (Life::new(), Subscriptions::new());
        Self(Arc::new(Shared { setting, life, subscriptions, given_up: AtomicU64::new(0) }))
    }

    /// For an application: what its configuration says.
    pub(crate) fn tune(&self, config: &config::EventBus) {
        self.0.setting.set_strict(config.strict);
    }

    /// An event of this process, see [`BusEvent::of`].
    #[must_use]
    pub fn event<E: Event>(&self, key: impl Into<EventKey>, event: E) -> BusEvent {
        BusEvent::of(&self.0.setting.services, key, event)
    }

    /// As [`EventBus::publish`], without a box.
    ///
    /// # Errors
    ///
    /// The first failure, and what else [`EventBus::publish`] says.
    ///
    /// # Cancel safety
    ///
    /// As [`EventBus::publish`].
    #[inline]
    pub async fn publish(&self, event: BusEvent) -> Result<(), PublishError> {
        self.run(event, Mode::StopAtTheFirst).await
    }

    #[inline]
    async fn run(&self, event: BusEvent, mode: Mode) -> Result<(), PublishError> {
        let _flight = self.0.life.enter()?;
        let entries = self.0.subscriptions.of(event.event_type());
        if entries.is_empty() {
            return self.0.setting.unheard(&event);
        }
        let Some((at, handled)) = self.0.all_well(&event, &entries) else { return Ok(()) };
        let mut round = Box::new(Round { event, entries, at, mode, failures: Vec::new() });
        if let Some(error) = handled {
            self.0.failed(&mut round, at, error);
            round.at = if mode == Mode::AskAll { at + 1 } else { round.entries.len() };
        }
        if self.0.go_on(&mut round) {
            return round.ended();
        }
        self.finish(round).await
    }

    /// Runs what may wait in a task of the bus.
    async fn finish(&self, mut round: Box<Round>) -> Result<(), PublishError> {
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        // Counted before the task runs, so that it is not missed in between.
        shared.life.join(1);
        let left = Left(Arc::clone(&shared));
        let task = async move {
            let _left = left;
            while !shared.go_on(&mut round) {
                shared.wait_for_one(&mut round).await;
            }
            // The caller may have gone; the failures are reported already.
            let _ = answer.send(round.ended());
        };
        self.0.setting.tasks.job("event bus", usize::MAX, Box::pin(task));
        answered.await.unwrap_or(Err(PublishError::Stopped))
    }
}

/// Counts a task out, however it ends.
struct Left(Arc<Shared>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.life.leave(1);
    }
}

impl Shared {
    /// Asks subscribers until one fails or waits: its place, and the failure.
    /// What goes well, which is nearly all, keeps no record of it.
    #[inline]
    fn all_well(
        &self,
        event: &BusEvent,
        entries: &Entries<()>,
    ) -> Option<(usize, Option<DeliveryError>)> {
        self.life.inside(|| {
            for (at, entry) in entries.iter().enumerate() {
                match entry.subscriber.handler().now(&self.setting.services, event) {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return Some((at, Some(error))),
                    None => return Some((at, None)),
                }
            }
            None
        })
    }

    /// Asks subscribers until one waits; whether all were asked.
    fn go_on(&self, round: &mut Round) -> bool {
        while let Some(entry) = round.entries.get(round.at) {
            let handler = entry.subscriber.handler();
            let now = self.life.inside(|| handler.now(&self.setting.services, &round.event));
            let Some(handled) = now else { return false };
            round.at += 1;
            if let Err(error) = handled {
                self.failed(round, round.at - 1, error);
                if round.mode == Mode::StopAtTheFirst {
                    break;
                }
            }
        }
        true
    }

    /// Asks the one subscriber that waits.
    async fn wait_for_one(&self, round: &mut Round) {
        let entry: &Arc<Entry<()>> = &round.entries[round.at];
        let handler = entry.subscriber.handler().clone();
        let handled = handler.handle(&self.setting.services, &round.event);
        let handled = self.life.handling(handled).await;
        let at = round.at;
        round.at += 1;
        match handled {
            Some(Ok(())) => return,
            Some(Err(error)) => self.failed(round, at, error),
            None => {
                for at in at..round.entries.len() {
                    self.given_up.fetch_add(1, Ordering::Relaxed);
                    self.failed(round, at, DeliveryError::Stopped);
                }
                round.at = round.entries.len();
            }
        }
        if round.mode == Mode::StopAtTheFirst {
            round.at = round.entries.len();
        }
    }

    #[cold]
    fn failed(&self, round: &mut Round, at: usize, error: DeliveryError) {
        let subscriber = Arc::clone(round.entries[at].subscriber.name());
        let failure = Failure::new(round.event.clone(), subscriber, error);
        round.failures.push(failure.clone());
        self.setting.errors.report(failure);
    }
}

impl Round {
    fn ended(self) -> Result<(), PublishError> {
        match Failures::of(self.failures) {
            None => Ok(()),
            Some(failures) => Err(PublishError::Handlers(failures)),
        }
    }
}

impl EventBus for SyncBus {
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(self.run(event, Mode::StopAtTheFirst))
    }

    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(self.run(event, Mode::AskAll))
    }

    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>> {
        Box::pin(async move {
            let (total, mut failed) = (events.len(), Vec::new());
            for (index, event) in events.into_iter().enumerate() {
                if let Err(error) = self.run(event, Mode::AskAll).await {
                    failed.push((index, error));
                }
            }
            BatchError::unless_empty(total, failed)
        })
    }

    fn subscribe(&self, subscriber: Subscriber) -> Subscription {
        self.0.subscriptions.add(subscriber, ())
    }

    fn start(&self) -> Result<(), PublishError> {
        if self.0.life.is_closed() { Err(PublishError::Stopped) } else { Ok(()) }
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let life = &self.0.life;
            life.close();
            let grace = self.0.setting.services.clock.sleep(grace);
            first(life.until(|life| life.in_flight() == 0), grace).await;
            life.cut();
            if !life.is_nested() {
                life.until(|life| life.in_flight() == 0).await;
            }
            self.0.given_up.load(Ordering::Relaxed)
        })
    }

    fn wait(&self) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async move {
            if self.0.life.is_nested() {
                return Err(PublishError::Nested);
            }
            self.0.life.until(|life| life.in_flight() == 0).await;
            Ok(())
        })
    }

    fn flavour(&self) -> Flavour {
        Flavour::Sync
    }

    fn is_nested(&self) -> bool {
        self.0.life.is_nested()
    }

    fn has_subscribers(&self) -> bool {
        !self.0.subscriptions.all().is_empty()
    }

    fn errors(&self) -> &ErrorStream {
        &self.0.setting.errors
    }

    fn services(&self) -> &Arc<Services> {
        &self.0.setting.services
    }
}

impl fmt::Debug for SyncBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncBus({:?})", self.0.subscriptions)
    }
}
