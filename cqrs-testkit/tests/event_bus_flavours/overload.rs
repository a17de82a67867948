//! Full queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_core::event_bus::{
    AsyncBus, DeliveryError, EventBus, HandlerError, Overflow, PublishError, Subscriber,
};
use tokio::sync::Semaphore;

use super::{Log, add, all, queued, settle, spawn, tick, waiting, writer};

/// A subscriber with room for four, whose handler waits for permits.
fn gated(log: &Log<u64>) -> (Subscriber, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (own, log) = (Arc::clone(&gate), Log::clone(log));
    let subscriber = waiting("gated", move |n| {
        let (gate, log) = (Arc::clone(&own), Log::clone(&log));
        async move {
            gate.acquire().await?.forget();
            add(&log, n);
            Ok(())
        }
    });
    (subscriber.capacity(4), gate)
}

#[tokio::test]
async fn publishers_wait_for_room_and_memory_stays_flat() {
    let (builder, _) = queued();
    let (bus, log) = (Arc::new(builder.build()), Log::default());
    let (subscriber, gate) = gated(&log);
    bus.subscribe(subscriber);
    bus.start().unwrap();
    let published = Arc::new(AtomicUsize::new(0));

    let (publishing, count) = (Arc::clone(&bus), Arc::clone(&published));
    let publisher = spawn(async move {
        for n in 0..40 {
            publishing.publish(tick("k", n)).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    for handled in 0..=36 {
        settle().await;
        assert_eq!(published.load(Ordering::SeqCst), 4 + handled);
        // Four are queued, and one call waits for room.
        assert!(bus.in_flight() <= 5);
        gate.add_permits(1);
    }
    gate.add_permits(40);
    publisher.await.unwrap();
    bus.wait().await.unwrap();

    assert_eq!(all(&log), (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_shed_is_counted_and_comes_to_everybody_else() {
    let (builder, _) = queued();
    let (bus, log, other) = (builder.build(), Log::default(), Log::default());
    let (subscriber, gate) = gated(&log);
    bus.subscribe(subscriber.overflow(Overflow::Shed));
    bus.subscribe(writer("other", &other));
    bus.start().unwrap();

    for n in 0..40 {
        bus.publish(tick("k", n)).await.unwrap();
    }
    gate.add_permits(40);
    bus.wait().await.unwrap();

    assert_eq!(all(&log), [0, 1, 2, 3]);
    assert_eq!(all(&other), (0..40).collect::<Vec<_>>());
    assert_eq!(bus.errors().counts().total, 36);
    let is_shed = |error: &DeliveryError| matches!(error, DeliveryError::Shed { capacity: 4 });
    assert!(bus.errors().take().iter().all(|one| is_shed(&one.error)));
}

#[tokio::test]
async fn what_is_refused_comes_to_nobody() {
    let (builder, _) = queued();
    let (bus, log, other) = (builder.build(), Log::default(), Log::default());
    bus.subscribe(writer("other", &other));
    let (subscriber, gate) = gated(&log);
    bus.subscribe(subscriber.overflow(Overflow::Refuse));
    bus.start().unwrap();
    for n in 0..4 {
        bus.publish(tick("k", n)).await.unwrap();
    }

    let refused = bus.publish(tick("k", 4)).await;
    gate.add_permits(5);
    bus.wait().await.unwrap();
    bus.publish_and_wait(tick("k", 5)).await.unwrap();

    assert!(matches!(refused, Err(PublishError::Full { capacity: 4, .. })), "{refused:?}");
    assert_eq!((all(&log), all(&other)), (vec![0, 1, 2, 3, 5], vec![0, 1, 2, 3, 5]));
}

#[tokio::test]
async fn a_handler_that_publishes_into_its_own_full_queue_is_refused_at_one_worker() {
    let (builder, _) = queued();
    let (bus, answers) = (Arc::new(builder.workers(1).build()), Log::default());
    let (weak, told) = (Arc::downgrade(&bus), Log::clone(&answers));
    bus.subscribe(
        waiting("own", move |n| {
            let (bus, told) = (weak.clone(), Log::clone(&told));
            async move {
                let bus: Arc<AsyncBus> = bus
                    .upgrade()
                    .ok_or_else(|| HandlerError::permanent("the test holds the bus"))?;
                if n == 0 {
                    let full = bus.publish(tick("k", 1)).await;
                    add(&told, matches!(full, Err(PublishError::Full { .. })));
                }
                Ok(())
            }
        })
        .capacity(1),
    );
    bus.start().unwrap();

    bus.publish(tick("k", 0)).await.unwrap();
    bus.wait().await.unwrap();

    assert_eq!(all(&answers), [true]);
}

#[tokio::test]
async fn a_publisher_that_waits_for_room_is_refused_at_the_stop() {
    let (builder, clock) = queued();
    let (bus, log) = (Arc::new(builder.build()), Log::default());
    let (subscriber, _gate) = gated(&log);
    bus.subscribe(subscriber);
    bus.start().unwrap();
    let publishing = Arc::clone(&bus);
    let publisher = spawn(async move {
        let mut answer = Ok(());
        for n in 0..5 {
            answer = publishing.publish(tick("k", n)).await;
        }
        answer
    });
    settle().await;

    let stopping = Arc::clone(&bus);
    let stop = spawn(async move { stopping.stop(Duration::from_secs(1)).await });
    settle().await;
    clock.advance(Duration::from_secs(1));

    assert!(matches!(publisher.await.unwrap(), Err(PublishError::Stopped)));
    assert_eq!(stop.await.unwrap(), 4);
}
