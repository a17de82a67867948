//! A bus around a sound one that breaks one promise.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::event_bus::{
    AsyncBus, BatchError, BusEvent, ErrorStream, EventBus, Failures, PublishError, Subscriber,
    Subscription, SyncBus,
};
use cqrs_core::message::EventId;
use cqrs_core::runtime::{BoxFuture, Services};
use cqrs_core::store::{NewEvent, RecordedEvent};
use cqrs_testkit::event_bus::Wanted;

use crate::fault::Fault;
use crate::subscribing::wrapped;

/// What handlers and calls share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) inside: AtomicBool,
    pub(crate) dead: AtomicBool,
    pub(crate) lock: tokio::sync::Mutex<()>,
}

pub(crate) struct Broken {
    fault: Fault,
    inner: Arc<dyn EventBus>,
    shared: Arc<Shared>,
    subscribers: Mutex<Vec<Subscriber>>,
    subscriptions: Arc<Mutex<Vec<Subscription>>>,
    past: Mutex<Vec<BusEvent>>,
    detained: Mutex<Option<BusEvent>>,
    published: AtomicU64,
    publishing: AtomicUsize,
    newcomer: AtomicBool,
    started: AtomicBool,
    stops: AtomicU64,
}

impl Broken {
    pub(crate) fn new(fault: Fault, wanted: &Wanted) -> Self {
        let strict = match fault {
            Fault::IsAlwaysStrict => true,
            Fault::IsNeverStrict => false,
            _ => wanted.is_strict(),
        };
        Self {
            fault,
            inner: inner(fault, wanted.services(), strict),
            shared: Arc::default(),
            subscribers: Mutex::default(),
            subscriptions: Arc::default(),
            past: Mutex::default(),
            detained: Mutex::default(),
            published: AtomicU64::new(0),
            publishing: AtomicUsize::new(0),
            newcomer: AtomicBool::new(false),
            started: AtomicBool::new(false),
            stops: AtomicU64::new(0),
        }
    }

    async fn take(&self, event: BusEvent) -> Result<(), PublishError> {
        let n = self.published.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::PassesOverOwnEvents if event.record().is_none() => Ok(()),
            Fault::PassesOverStoredEvents if event.record().is_some() => Ok(()),
            Fault::GivesEventsAnotherId => self.inner.publish(with_another_id(event)).await,
            Fault::DetainsSome if n % 40 == 5 => {
                *self.detained.lock().unwrap() = Some(event);
                Ok(())
            }
            // Later events of the same key have gone before it by then.
            Fault::DetainsSome if n % 40 == 30 => {
                let detained = self.detained.lock().unwrap().take();
                self.inner.publish(event).await?;
                match detained {
                    Some(event) => self.inner.publish(event).await,
                    None => Ok(()),
                }
            }
            Fault::RepeatsThePastForNewcomers => {
                self.past.lock().unwrap().push(event.clone());
                self.inner.publish(event).await
            }
            Fault::LosesEventsWhileSubscribersCome if self.newcomer() => Ok(()),
            Fault::LosesEventsOfPublishersAtOnce => {
                self.publishing.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                match self.publishing.fetch_sub(1, Ordering::SeqCst) {
                    1 => self.inner.publish(event).await,
                    _ => Ok(()),
                }
            }
            Fault::TakesEventsAfterTheStop => {
                self.inner.publish(event).await.or_else(|error| match error {
                    PublishError::Stopped => Ok(()),
                    error => Err(error),
                })
            }
            Fault::LocksWhileHandling => {
                let _locked = self.shared.lock.lock().await;
                self.inner.publish(event).await
            }
            _ => self.inner.publish(event).await,
        }
    }

    fn newcomer(&self) -> bool {
        let several = self.subscribers.lock().unwrap().len() > 2;
        self.newcomer.swap(false, Ordering::SeqCst) && several
    }

    async fn take_and_wait(&self, event: BusEvent) -> Result<(), PublishError> {
        match self.fault {
            Fault::StopsAtTheFirstFailure => self.inner.publish(event).await,
            Fault::SwallowsFailures => {
                let _ = self.inner.publish_and_wait(event).await;
                Ok(())
            }
            Fault::ReturnsTheFirstFailureAlone => {
                self.inner.publish_and_wait(event).await.map_err(|error| match error {
                    PublishError::Handlers(failures) => {
                        let first = failures.iter().take(1).cloned().collect();
                        PublishError::Handlers(Failures::of(first).expect("there is one"))
                    }
                    error => error,
                })
            }
            Fault::DropsWhatItsPublisherDropped => {
                let subscribers = self.subscribers.lock().unwrap().clone();
                for one in subscribers {
                    // It only has to run the handlers in the caller's future.
                    let _ = one.handler().handle(self.inner.services(), &event).await;
                }
                Ok(())
            }
            Fault::WaitsForItself => match self.inner.publish_and_wait(event).await {
                Err(PublishError::Nested) => pending().await,
                answer => answer,
            },
            _ => self.inner.publish_and_wait(event).await,
        }
    }

    async fn take_batch(&self, mut events: Vec<BusEvent>) -> Result<(), BatchError> {
        let total = events.len();
        match self.fault {
            Fault::ReversesBatches => {
                events.reverse();
                self.inner.publish_batch(events).await
            }
            Fault::CountsPlacesFromOne => {
                let Err(error) = self.inner.publish_batch(events).await else { return Ok(()) };
                let failed = error.iter().map(|(index, error)| (index + 1, error.clone()));
                BatchError::unless_empty(total, failed.collect())
            }
            Fault::EndsABatchAtAFailure => {
                for (index, event) in events.into_iter().enumerate() {
                    if let Err(error) = self.inner.publish_and_wait(event).await {
                        return BatchError::unless_empty(total, vec![(index, error)]);
                    }
                }
                Ok(())
            }
            _ => self.inner.publish_batch(events).await,
        }
    }

    /// The handle that a subscriber's owner gets.
    fn handle(&self, subscription: Subscription) -> Subscription {
        let name = subscription.name().into();
        match self.fault {
            Fault::KeepsWhoUnsubscribed => Subscription::new(name, || {}),
            Fault::UnsubscribesTheLastAsWell => {
                let (calls, all) = (AtomicU64::new(0), Arc::clone(&self.subscriptions));
                Subscription::new(name, move || {
                    if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                        subscription.unsubscribe();
                    } else if let Some(last) = all.lock().unwrap().last() {
                        last.unsubscribe();
                    }
                })
            }
            Fault::UnsubscribesOnDrop => {
                let guard = Guard(subscription);
                Subscription::new(name, move || guard.0.unsubscribe())
            }
            Fault::UnsubscribesNobodyInAHandler => {
                let shared = Arc::clone(&self.shared);
                Subscription::new(name, move || {
                    if !shared.inside.load(Ordering::SeqCst) {
                        subscription.unsubscribe();
                    }
                })
            }
            _ => subscription,
        }
    }
}

/// Unsubscribes when the handle is dropped.
struct Guard(Subscription);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.unsubscribe();
    }
}

impl EventBus for Broken {
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(self.take(event))
    }

    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(self.take_and_wait(event))
    }

    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>> {
        Box::pin(self.take_batch(events))
    }

    fn subscribe(&self, subscriber: Subscriber) -> Subscription {
        let errors = self.inner.errors().clone();
        let services = self.inner.services();
        if self.fault == Fault::RefusesSubscribersOfHandlers
            && self.shared.inside.load(Ordering::SeqCst)
        {
            return Subscription::new(Arc::clone(subscriber.name()), || {});
        }
        if self.fault == Fault::HasOneSubscriber {
            self.subscriptions.lock().unwrap().iter().for_each(Subscription::unsubscribe);
        }
        for event in self.past.lock().unwrap().iter() {
            subscriber.handler().now(services, event);
        }
        self.subscribers.lock().unwrap().push(subscriber.clone());
        self.newcomer.store(true, Ordering::SeqCst);
        let wrapped = wrapped(self.fault, subscriber, &self.shared, services, errors);
        let subscription = self.inner.subscribe(wrapped);
        self.subscriptions.lock().unwrap().push(subscription.clone());
        self.handle(subscription)
    }

    fn start(&self) -> Result<(), PublishError> {
        let again = self.started.swap(true, Ordering::SeqCst);
        match self.fault {
            Fault::StartsAgain => {
                let _ = self.inner.start();
                Ok(())
            }
            Fault::RefusesASecondStart if again => Err(PublishError::Stopped),
            _ => self.inner.start(),
        }
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64> {
        let stops = self.stops.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::CountsEveryStop => Box::pin(async move {
                self.inner.stop(grace).await;
                stops
            }),
            Fault::StopsWithoutWaiting => self.inner.stop(Duration::ZERO),
            Fault::NeverGivesUp => self.inner.stop(Duration::MAX),
            _ => self.inner.stop(grace),
        }
    }

    fn wait(&self) -> BoxFuture<'_, Result<(), PublishError>> {
        match self.fault {
            Fault::WaitsForNothing => Box::pin(std::future::ready(Ok(()))),
            Fault::WaitsForItsOwnIdleness => Box::pin(async {
                match self.inner.wait().await {
                    Err(PublishError::Nested) => pending().await,
                    answer => answer,
                }
            }),
            _ => self.inner.wait(),
        }
    }

    fn errors(&self) -> &ErrorStream {
        self.inner.errors()
    }

    fn services(&self) -> &Arc<Services> {
        self.inner.services()
    }
}

/// The sound bus inside: of the flavour whose ways suit the fault.
fn inner(fault: Fault, services: Services, strict: bool) -> Arc<dyn EventBus> {
    if matches!(fault, Fault::StopsAtTheFirstFailure | Fault::DiesOfAPanic) {
        let builder = SyncBus::builder().services(services);
        return Arc::new(if strict { builder.strict().build() } else { builder.build() });
    }
    let builder = AsyncBus::builder().services(services).workers(4);
    Arc::new(if strict { builder.strict().build() } else { builder.build() })
}

fn with_another_id(event: BusEvent) -> BusEvent {
    let Some(record) = event.record() else { return event };
    let content = NewEvent::new(
        EventId::from_uuid(uuid::Uuid::nil()),
        record.event_type().as_str().to_owned(),
        record.schema_version(),
        record.encoding().clone(),
        record.payload().to_vec(),
        record.occurred_at(),
    );
    let (position, version) = (record.position(), record.version());
    let stream = record.stream().clone();
    RecordedEvent::new(content, position, stream, version, record.recorded_at()).into()
}
