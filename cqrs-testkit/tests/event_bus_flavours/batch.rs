//! Events that are published together.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::event_bus::{
    BatchEmitter, BatchError, BatchOptions, BusEvent, ErrorStream, EventBus, FlushError,
    HandlerError, PublishError, Subscriber, Subscription, SyncBus,
};
use cqrs_core::runtime::{BoxFuture, Services};
use cqrs_testkit::ManualClock;

use super::{settle, spawn, surroundings, tick};

/// A bus that writes batches down.
struct Batches {
    inner: SyncBus,
    seen: Mutex<Vec<Vec<u64>>>,
}

impl Batches {
    fn new() -> (Arc<Self>, ManualClock) {
        let (services, clock) = surroundings();
        let inner = SyncBus::builder().services(services).build();
        (Arc::new(Self { inner, seen: Mutex::default() }), clock)
    }

    fn seen(&self) -> Vec<Vec<u64>> {
        self.seen.lock().unwrap().clone()
    }
}

impl EventBus for Batches {
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        EventBus::publish(&self.inner, event)
    }

    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        self.inner.publish_and_wait(event)
    }

    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.seen.lock().unwrap().push(events.iter().map(super::number).collect());
            self.inner.publish_batch(events).await
        })
    }

    fn subscribe(&self, subscriber: Subscriber) -> Subscription {
        self.inner.subscribe(subscriber)
    }

    fn start(&self) -> Result<(), PublishError> {
        self.inner.start()
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64> {
        self.inner.stop(grace)
    }

    fn wait(&self) -> BoxFuture<'_, Result<(), PublishError>> {
        self.inner.wait()
    }

    fn errors(&self) -> &ErrorStream {
        self.inner.errors()
    }

    fn services(&self) -> &Arc<Services> {
        self.inner.services()
    }
}

fn emitter(bus: &Arc<Batches>) -> BatchEmitter {
    let options = BatchOptions::default().size(3).interval(Duration::from_secs(5));
    BatchEmitter::new(Arc::clone(bus) as Arc<dyn EventBus>, options)
}

async fn emit(emitter: &BatchEmitter, numbers: std::ops::Range<u64>) {
    for n in numbers {
        emitter.emit(tick("k", n)).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_batch_is_published_at_once() {
    let (bus, _) = Batches::new();
    let emitter = emitter(&bus);

    emit(&emitter, 0..7).await;
    settle().await;

    assert_eq!(bus.seen(), [[0, 1, 2], [3, 4, 5]]);
}

#[tokio::test]
async fn a_batch_is_published_when_its_first_event_has_waited_long_enough() {
    let (bus, clock) = Batches::new();
    let emitter = emitter(&bus);
    emit(&emitter, 0..1).await;
    settle().await;
    clock.advance(Duration::from_secs(4));
    emit(&emitter, 1..2).await;
    settle().await;
    assert!(bus.seen().is_empty());

    clock.advance(Duration::from_secs(1));
    settle().await;
    clock.advance(Duration::from_secs(60));
    settle().await;

    assert_eq!(bus.seen(), [[0, 1]]);
}

#[tokio::test]
async fn a_flush_publishes_and_tells_what_failed() {
    let (bus, _) = Batches::new();
    bus.subscribe(Subscriber::on("failing", |event: &super::Tick, _| match event {
        super::Tick::Made { n: 1 } => Err(HandlerError::permanent("no")),
        super::Tick::Made { .. } => Ok(()),
    }));
    let emitter = emitter(&bus);
    emit(&emitter, 0..2).await;

    let flushed = emitter.flush().await;
    let again = emitter.flush().await;

    let Err(FlushError::Failed(error)) = flushed else { panic!("{flushed:?}") };
    assert_eq!(error.indexes(), [1]);
    assert!(again.is_ok());
    assert_eq!(bus.seen(), [[0, 1]]);
}

#[tokio::test]
async fn nothing_is_lost_when_it_is_closed_or_dropped() {
    for closes in [true, false] {
        let (bus, _) = Batches::new();
        let emitter = emitter(&bus);
        emit(&emitter, 0..5).await;

        if closes {
            emitter.close().await.unwrap()
        } else {
            drop(emitter)
        }
        settle().await;

        assert_eq!(bus.seen(), [vec![0, 1, 2], vec![3, 4]]);
    }
}

#[tokio::test]
async fn a_flush_that_is_dropped_publishes_all_the_same() {
    let (bus, _) = Batches::new();
    let emitter = Arc::new(emitter(&bus));
    emit(&emitter, 0..2).await;

    let flushing = Arc::clone(&emitter);
    let flush = spawn(async move { flushing.flush().await });
    tokio::task::yield_now().await;
    flush.abort();
    settle().await;

    assert_eq!(bus.seen(), [[0, 1]]);
}

#[tokio::test]
async fn what_the_bus_refuses_is_reported() {
    let (bus, _) = Batches::new();
    bus.stop(Duration::ZERO).await;
    let emitter = emitter(&bus);

    emit(&emitter, 0..3).await;
    settle().await;

    let refused = bus.errors().take();
    assert_eq!(refused.iter().map(|one| super::number(&one.event)).collect::<Vec<_>>(), [0, 1, 2]);
}
