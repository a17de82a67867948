//! Publishes what was stored on the event bus of the application.
//!
//! A task follows the log, so that nothing is published that was not stored,
//! whoever stored it, and whatever has become of the caller. It begins with the
//! first subscriber: an application without one never reads its log for it.
//! What cannot be published is reported as a failure of the bus; the event is
//! stored all the same.
//!
//! Rejected: publishing in the call that has committed. A caller that is
//! dropped would take the events with it, and two calls could publish the
//! events of one stream in the wrong order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::coop::consume_budget;

use super::listened::{Listened, Listeners};
use crate::config::{self, Config};
use crate::event_bus::{
    AsyncBus, BusEvent, DeliveryError, EventBus, Failure, Flavour, Keep, PublishError, SyncBus,
};
use crate::runtime::{Services, TaskSet};
use crate::store::{
    Cursor, EventQuery, EventStore, Pages, Position, ReadError, ReadRequest, RecordedEvent, Store,
};
use crate::subscription::{BACKSTOP, Lookout, first};

/// How long to wait before a store that could not be read is read again.
const PAUSE: Duration = Duration::from_millis(200);
const FIRST_PAGE: usize = 100;
const PAGE: usize = 1_000;

/// The event bus of an application, and what fills it.
pub(crate) struct Feed {
    events: Arc<dyn EventBus>,
    follows: Follows,
    flavour: Flavour,
    listeners: Arc<Listeners>,
    position: watch::Receiver<Position>,
    /// Those of a bus that follows the configuration.
    tasks: TaskSet,
}

/// Whether a bus was given, or follows the configuration.
enum Follows {
    Nothing,
    Queued(Arc<AsyncBus>),
    Synchronous(Arc<SyncBus>),
}

struct Task {
    bus: Arc<dyn EventBus>,
    flavour: Flavour,
    store: Store,
    lookout: Lookout,
    services: Arc<Services>,
    tasks: TaskSet,
    position: watch::Sender<Position>,
    over: AtomicBool,
}

impl Feed {
    /// Follows the log from the first subscriber on.
    pub(super) fn start(
        given: Option<Arc<dyn EventBus>>,
        config: &Config,
        store: &Store,
        services: &Arc<Services>,
        tasks: &TaskSet,
        lookout: &Lookout,
    ) -> Self {
        let own = TaskSet::new(Arc::clone(&services.spawner));
        let (bus, follows) = match given {
            Some(bus) => (bus, Follows::Nothing),
            None => configured(&config.event_bus, services, &own),
        };
        let flavour = bus.flavour();
        let (position, receiver) = watch::channel(Position::NONE);
        let task = Task {
            bus: Arc::clone(&bus),
            flavour,
            store: store.clone(),
            lookout: lookout.clone(),
            services: Arc::clone(services),
            tasks: tasks.clone(),
            position,
            over: AtomicBool::new(false),
        };
        let owner = tasks.clone();
        let listeners = Arc::new(Listeners::new(move || {
            // What is stored from now on is for the first subscriber.
            let head = task.store.watch().head();
            task.position.send_replace(head);
            owner.service("event bus feed", Box::pin(task.run(head)));
        }));
        if bus.has_subscribers() {
            listeners.begin();
        }
        let events = Arc::new(Listened::new(bus, Arc::clone(&listeners)));
        Self { events, follows, flavour, listeners, position: receiver, tasks: own }
    }

    pub(super) fn events(&self) -> &Arc<dyn EventBus> {
        &self.events
    }

    pub(super) fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Tasks of the bus, beside the one that feeds it.
    pub(super) fn running(&self) -> usize {
        self.tasks.running()
    }

    pub(super) fn apply(&self, config: &Config) {
        match &self.follows {
            Follows::Nothing => {}
            Follows::Queued(bus) => bus.tune(&config.event_bus),
            Follows::Synchronous(bus) => bus.tune(&config.event_bus),
        }
    }

    /// Whether a call answers only when its events are handled: not where a
    /// handler of these events calls, which would wait for itself.
    #[inline]
    pub(super) fn is_awaited(&self) -> bool {
        self.flavour == Flavour::Sync && self.listeners.have_come() && !self.events.is_nested()
    }

    /// Waits until what stands up to a position was published, or never will
    /// be.
    pub(super) async fn reached(&self, wanted: Position) {
        let mut position = self.position.clone();
        if self.listeners.have_come() {
            // The task ends with the bus.
            let _ = position.wait_for(|at| *at >= wanted).await;
        }
    }

    /// Publishes what is stored by now and stops the bus, within a grace;
    /// returns how many deliveries were given up.
    pub(super) async fn stop(&self, head: Position, grace: Duration, services: &Services) -> u64 {
        let begun = services.clock.monotonic();
        let mut left = Duration::ZERO;
        let published = async {
            self.reached(head).await;
            let gone = services.clock.monotonic().saturating_sub(begun);
            left = grace.saturating_sub(gone);
        };
        first(published, services.clock.sleep(grace)).await;
        self.events.stop(left).await
    }

    /// Returns when no task of the bus runs.
    pub(super) async fn drained(&self) {
        self.tasks.drained().await;
    }

    pub(super) fn abort(&self) {
        self.tasks.abort();
    }
}

/// The bus that a configuration describes.
fn configured(
    config: &config::EventBus,
    services: &Arc<Services>,
    tasks: &TaskSet,
) -> (Arc<dyn EventBus>, Follows) {
    let errors = config.error_buffer;
    match config.flavour {
        Flavour::Sync => {
            let builder = SyncBus::builder().within(Arc::clone(services), tasks.clone());
            let bus = Arc::new(builder.keep_errors(errors, Keep::Last).build());
            bus.tune(config);
            (Arc::clone(&bus) as _, Follows::Synchronous(bus))
        }
        Flavour::Async => {
            let builder = AsyncBus::builder().within(Arc::clone(services), tasks.clone());
            let builder = builder.queue(config.queue);
            let bus = Arc::new(builder.keep_errors(errors, Keep::Last).build());
            bus.tune(config);
            (Arc::clone(&bus) as _, Follows::Queued(bus))
        }
    }
}

impl Task {
    async fn run(self, mut at: Position) {
        if self.bus.start().is_err() {
            return;
        }
        while !self.is_over() {
            if let Err(error) = self.follow(&mut at).await {
                tracing::warn!(target: "cqrs::event_bus", %error, "the log cannot be followed");
                first(self.services.clock.sleep(PAUSE), self.tasks.stopped()).await;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.tasks.is_stopping()
    }

    async fn follow(&self, at: &mut Position) -> Result<(), ReadError> {
        let mut heads = self.lookout.watch();
        let info = self.store.info().await?;
        while !self.is_over() {
            let cursor = Cursor { log: info.log, position: *at };
            let request =
                ReadRequest::all().matching(EventQuery::all()).resume(cursor).limit(FIRST_PAGE);
            let mut pages = Pages::new(&self.store, request, PAGE);
            while let Some(page) = pages.next().await {
                let page = page?;
                for event in page.events() {
                    let position = event.position();
                    self.publish(event).await;
                    if self.is_over() {
                        return Ok(());
                    }
                    self.position.send_replace(position);
                }
                *at = Position::new(page.reached());
                self.position.send_replace(*at);
                if page.is_last() {
                    break;
                }
            }
            let commit = first(heads.above(*at), self.services.clock.sleep(BACKSTOP));
            first(commit, self.tasks.stopped()).await;
        }
        Ok(())
    }

    /// Publishes one event. What its handlers fail at is reported by the bus.
    async fn publish(&self, event: RecordedEvent) {
        // Where neither log nor handler ever waits, others wait for this.
        consume_budget().await;
        let event = BusEvent::from(event);
        let published = match self.flavour {
            // It would ask no handler behind the first that fails.
            Flavour::Sync => self.bus.publish_and_wait(event.clone()),
            Flavour::Async => self.bus.publish(event.clone()),
        };
        let mut ended = Ok(());
        first(async { ended = published.await }, self.tasks.stopped()).await;
        match ended {
            Ok(()) | Err(PublishError::Handlers(_)) => {}
            Err(error) => {
                self.over.fetch_or(matches!(error, PublishError::Stopped), Ordering::Relaxed);
                let error = DeliveryError::NotPublished(Box::new(error));
                self.bus.errors().report(Failure::new(event, "event log".into(), error));
            }
        }
    }
}
