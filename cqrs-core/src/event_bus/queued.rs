//! The bus that queues.
//!
//! Each subscriber has a queue of its own, so that one that is slow or hangs
//! holds up nobody else's events, until its queue is full and its policy says
//! what happens then. Workers are tasks of the bus, and their number is the
//! number of handlers that run at once. Rejected: a task for each event, which
//! has no bound, and a semaphore in front, which handlers that hang keep.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, SemaphorePermit, TryAcquireError, oneshot};

use super::builder::Setting;
use super::crew::Crew;
use super::lanes::{Job, Queue, Ready, Ticket, Turn};
use super::life::{Life, first};
use super::table::{Entry, Subscriptions};
use super::worker::InHand;
use super::{
    AsyncBusBuilder, BatchError, BusEvent, DeliveryError, ErrorStream, EventBus, EventKey, Failure,
    Failures, Overflow, PublishError, Subscriber, Subscription,
};
use crate::config;
use crate::event::Event;
use crate::runtime::{BoxFuture, Services};

/// The asynchronous flavour: publishing queues the event, and handlers run at
/// once on workers of the bus.
///
/// What is published before the start waits in the queues. Dropping the bus
/// closes it: what is queued is still handled, then its workers end. A
/// handler that needs its own bus holds it weakly.
pub struct AsyncBus(Arc<Shared>);

pub(super) struct Shared {
    pub(super) setting: Setting,
    pub(super) life: Life,
    pub(super) ready: Mutex<Ready>,
    pub(super) wake: Notify,
    pub(super) crew: Crew,
    /// Deliveries that were given up.
    pub(super) given_up: AtomicU64,
    subscriptions: Arc<Subscriptions<Queue>>,
    /// For subscribers that say nothing themselves.
    queue: usize,
    overflow: AtomicU8,
}

impl AsyncBus {
    /// Builds one.
    pub fn builder() -> AsyncBusBuilder {
        AsyncBusBuilder::new()
    }

    pub(super) fn of(setting: Setting, workers: usize, queue: usize, overflow: Overflow) -> Self {
        Self(Arc::new(Shared {
            setting,
            life: Life::new(),
            ready: Mutex::default(),
            wake: Notify::new(),
            crew: Crew::new(workers),
            given_up: AtomicU64::new(0),
            subscriptions: Subscriptions::new(),
            queue,
            overflow: AtomicU8::new(overflow as u8),
        }))
    }

    /// For an application: what its configuration says.
    pub(crate) fn tune(&self, config: &config::EventBus) {
        self.0.setting.set_strict(config.strict);
        self.0.overflow.store(config.overflow as u8, Ordering::Relaxed);
        self.0.crew.limit(config.concurrency.get().unwrap_or(usize::MAX));
        // Whoever waits for work looks whether there are too many.
        self.0.wake.notify_waiters();
    }

    /// An event of this process, see [`BusEvent::of`].
    #[must_use]
    pub fn event<E: Event>(&self, key: impl Into<EventKey>, event: E) -> BusEvent {
        BusEvent::of(&self.0.setting.services, key, event)
    }

    /// Deliveries that are queued or run, and calls that wait for room.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.life.in_flight()
    }

    /// Workers that have not ended: none after a stop.
    #[must_use]
    pub fn running_workers(&self) -> usize {
        self.0.crew.count()
    }
}

impl Drop for AsyncBus {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    /// Queues an event for everybody who wants it, or for nobody.
    async fn queue(
        &self,
        event: BusEvent,
        ticket: Option<Arc<Ticket>>,
    ) -> Result<(), PublishError> {
        let _flight = self.life.enter()?;
        let entries = self.subscriptions.of(event.event_type());
        if entries.is_empty() {
            return self.setting.unheard(&event);
        }
        let mut rooms = Vec::with_capacity(entries.len());
        for entry in entries.iter() {
            rooms.push(self.room(entry).await?);
        }
        // From here on nothing waits, so that the event comes to all of them.
        for (entry, room) in entries.iter().zip(rooms) {
            let job = Job { event: event.clone(), ticket: ticket.clone() };
            match room {
                Some(room) => {
                    room.forget();
                    self.push(entry, job);
                }
                None => {
                    let capacity = entry.kept.capacity;
                    self.failed(&job, entry, DeliveryError::Shed { capacity });
                }
            }
        }
        if self.life.is_cut() {
            self.give_up();
        }
        Ok(())
    }

    /// Room for one event; `None` if it is to be shed.
    async fn room<'a>(
        &self,
        entry: &'a Entry<Queue>,
    ) -> Result<Option<SemaphorePermit<'a>>, PublishError> {
        let room = &entry.kept.room;
        match room.try_acquire() {
            Ok(room) => return Ok(Some(room)),
            Err(TryAcquireError::Closed) => return Err(PublishError::Stopped),
            Err(TryAcquireError::NoPermits) => {}
        }
        match entry.subscriber.delivery().overflow.unwrap_or_else(|| self.overflow()) {
            Overflow::Shed => Ok(None),
            Overflow::Wait if !self.life.is_nested() => {
                room.acquire().await.map(Some).map_err(|_| PublishError::Stopped)
            }
            Overflow::Wait | Overflow::Refuse => Err(PublishError::Full {
                subscriber: Arc::clone(entry.subscriber.name()),
                capacity: entry.kept.capacity,
            }),
        }
    }

    fn push(&self, entry: &Arc<Entry<Queue>>, job: Job) {
        self.life.join(1);
        let lane = entry.subscriber.delivery().lane_of(&job.event);
        if entry.kept.push(lane, job) {
            let entry = Arc::clone(entry);
            self.ready.lock().expect("nothing panics under the lock").push(entry, lane);
            self.wake.notify_one();
            self.crew.work_has_come();
        }
    }

    fn overflow(&self) -> Overflow {
        let all = [Overflow::Wait, Overflow::Shed, Overflow::Refuse];
        let now = self.overflow.load(Ordering::Relaxed);
        all.into_iter().find(|one| *one as u8 == now).unwrap_or_default()
    }

    pub(super) fn has_work(&self) -> bool {
        !self.ready.lock().expect("nothing panics under the lock").is_empty()
    }

    pub(super) fn turn(&self) -> Option<Turn> {
        self.ready.lock().expect("nothing panics under the lock").pop()
    }

    #[cold]
    pub(super) fn failed(&self, job: &Job, entry: &Entry<Queue>, error: DeliveryError) {
        let subscriber = Arc::clone(entry.subscriber.name());
        let failure = Failure::new(job.event.clone(), subscriber, error);
        if let Some(ticket) = &job.ticket {
            ticket.failed(failure.clone());
        }
        self.setting.errors.report(failure);
    }

    /// Takes no more events; whoever waits for room is refused.
    pub(super) fn close(&self) {
        self.life.close();
        for entry in self.subscriptions.all().iter() {
            entry.kept.room.close();
        }
    }

    /// Gives up whatever is ready.
    fn give_up(&self) {
        while let Some(turn) = self.turn() {
            drop(InHand::of(self, turn));
        }
    }
}

impl EventBus for AsyncBus {
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(self.0.queue(event, None))
    }

    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async move {
            if self.0.life.is_nested() {
                return Err(PublishError::Nested);
            }
            let (ticket, answered) = Ticket::new();
            self.0.queue(event, Some(ticket)).await?;
            handled(answered).await
        })
    }

    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>> {
        Box::pin(async move {
            let total = events.len();
            let nested = self.0.life.is_nested();
            let mut waiting = Vec::with_capacity(total);
            for event in events {
                let (ticket, answered) = Ticket::new();
                let queued = match nested {
                    true => Err(PublishError::Nested),
                    false => self.0.queue(event, Some(ticket)).await,
                };
                waiting.push(queued.map(|()| answered));
            }
            let mut failed = Vec::new();
            for (index, queued) in waiting.into_iter().enumerate() {
                let ended = match queued {
                    Ok(answered) => handled(answered).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = ended {
                    failed.push((index, error));
                }
            }
            BatchError::unless_empty(total, failed)
        })
    }

    fn subscribe(&self, subscriber: Subscriber) -> Subscription {
        let queue = Queue::new(subscriber.delivery(), self.0.queue);
        self.0.subscriptions.add(subscriber, queue)
    }

    /// # Panics
    ///
    /// Panics where the spawner does: tokio's needs a runtime around.
    fn start(&self) -> Result<(), PublishError> {
        if self.0.life.is_closed() {
            return Err(PublishError::Stopped);
        }
        Crew::start(&self.0);
        Ok(())
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let Shared { life, crew, setting, given_up, .. } = &*self.0;
            let ended = |life: &Life| crew.is_gone() && life.in_flight() == 0;
            self.0.close();
            if !crew.is_gone() {
                first(life.until(ended), setting.services.clock.sleep(grace)).await;
            }
            life.cut();
            self.0.give_up();
            life.until(ended).await;
            given_up.load(Ordering::Relaxed)
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

impl fmt::Debug for AsyncBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsyncBus({:?}, {} in flight)", self.0.subscriptions, self.in_flight())
    }
}

/// What has become of an event that was queued. The sender answers when the
/// last job is gone, so that it is never dropped without an answer.
async fn handled(answered: oneshot::Receiver<Vec<Failure>>) -> Result<(), PublishError> {
    let failures = answered.await.unwrap_or_default();
    Failures::of(failures).map_or(Ok(()), |failures| Err(PublishError::Handlers(failures)))
}
