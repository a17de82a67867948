//! Queues and workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_core::event_bus::{AsyncBus, EventBus, Handler, Interest, Order, Subscriber};
use tokio::sync::{Barrier, Semaphore};

use super::{Log, Tick, add, all, queued, settle, tick, waiting, writer};

#[tokio::test]
async fn publish_returns_while_its_handler_is_parked() {
    let (builder, _) = queued();
    let (bus, gate, log) = (builder.build(), Arc::new(Semaphore::new(0)), Log::default());
    let (own, seen) = (Arc::clone(&gate), Log::clone(&log));
    bus.subscribe(waiting("parked", move |n| {
        let (gate, log) = (Arc::clone(&own), Log::clone(&seen));
        async move {
            let _permit = gate.acquire().await?;
            add(&log, n);
            Ok(())
        }
    }));
    bus.start().unwrap();

    bus.publish(tick("k", 1)).await.unwrap();

    assert!(all(&log).is_empty());
    gate.add_permits(1);
    bus.wait().await.unwrap();
    assert_eq!(all(&log), [1]);
}

#[tokio::test]
async fn two_handlers_overlap() {
    let (builder, _) = queued();
    let (bus, both) = (builder.build(), Arc::new(Barrier::new(2)));
    for name in ["one", "other"] {
        let both = Arc::clone(&both);
        bus.subscribe(waiting(name, move |_| {
            let both = Arc::clone(&both);
            async move {
                both.wait().await;
                Ok(())
            }
        }));
    }
    bus.start().unwrap();

    bus.publish_and_wait(tick("k", 1)).await.unwrap();
}

#[tokio::test]
async fn at_most_as_many_handlers_run_as_there_are_workers() {
    for workers in [1, 3] {
        let (builder, _) = queued();
        let bus = builder.workers(workers).build();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let highest = Arc::clone(&most);
        let handler = move |_| {
            let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
            async move {
                highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                settle().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        };
        bus.subscribe(
            waiting("busy", handler).order(Order::PerPartition(Arc::new(super::number))).lanes(8),
        );
        bus.start().unwrap();

        for n in 0..40 {
            bus.publish(tick("k", n)).await.unwrap();
        }
        bus.wait().await.unwrap();

        assert_eq!(most.load(Ordering::SeqCst), workers);
    }
}

#[tokio::test]
async fn a_worker_is_hired_for_what_comes_when_all_are_taken() {
    let (builder, _) = queued();
    let (bus, running, gate) = (
        builder.workers(1_000).build(),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Semaphore::new(0)),
    );
    let (count, held) = (Arc::clone(&running), Arc::clone(&gate));
    let handler = move |_| {
        let (running, gate) = (Arc::clone(&count), Arc::clone(&held));
        async move {
            running.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await?.forget();
            Ok(())
        }
    };
    let order = Order::PerPartition(Arc::new(super::number));
    bus.subscribe(waiting("parked", handler).order(order).lanes(1 << 20));
    bus.start().unwrap();
    let first = bus.running_workers() as u64;

    for n in 0..first + 3 {
        bus.publish(tick("k", n)).await.unwrap();
        settle().await;
        assert_eq!(running.load(Ordering::SeqCst) as u64, n + 1);
    }

    gate.add_permits(100);
    bus.wait().await.unwrap();
}

#[tokio::test]
async fn what_waits_is_handled_by_priority_and_then_in_order() {
    let (builder, _) = queued();
    let (bus, log) = (builder.workers(1).build(), Log::default());
    for (name, priority) in [("low", -1), ("high", 5), ("middle", 0), ("middle too", 0)] {
        let log = Log::clone(&log);
        let handler = Handler::of(move |Tick::Made { n }: &Tick, _| {
            add(&log, (name, *n));
            Ok(())
        });
        bus.subscribe(Subscriber::new(name, Interest::of::<Tick>(), handler).priority(priority));
    }

    bus.publish(tick("k", 1)).await.unwrap();
    bus.publish(tick("k", 2)).await.unwrap();
    bus.start().unwrap();
    bus.wait().await.unwrap();

    let middles = [("middle", 1), ("middle too", 1), ("middle", 2), ("middle too", 2)];
    let expected: Vec<_> = [("high", 1), ("high", 2)].into_iter().chain(middles).collect();
    assert_eq!(all(&log)[..6], expected[..]);
    assert_eq!(all(&log)[6..], [("low", 1), ("low", 2)]);
}

#[tokio::test]
async fn events_of_a_partition_stay_in_order_whatever_their_keys_are() {
    let (builder, _) = queued();
    let (bus, log) = (builder.build(), Log::default());
    let seen = Log::clone(&log);
    let partition = Arc::new(|event: &_| super::number(event) % 3);
    let handler = move |n| {
        let log = Log::clone(&seen);
        async move {
            for _ in 0..n % 5 {
                tokio::task::yield_now().await;
            }
            add(&log, n);
            Ok(())
        }
    };
    bus.subscribe(waiting("one", handler).order(Order::PerPartition(partition)).lanes(8));
    bus.start().unwrap();

    for n in 0..300 {
        bus.publish(tick(["a", "b", "c", "d", "e"][n as usize % 5], n)).await.unwrap();
    }
    bus.wait().await.unwrap();

    for partition in 0..3 {
        let own: Vec<_> = all(&log).into_iter().filter(|n| n % 3 == partition).collect();
        assert_eq!(own, (0..300).filter(|n| n % 3 == partition).collect::<Vec<_>>());
    }
    assert!(!all(&log).is_sorted(), "partitions do overtake each other");
}

#[tokio::test]
async fn a_subscriber_that_hangs_holds_up_nobody_else() {
    let (builder, clock) = queued();
    let (bus, log) = (builder.build(), Log::default());
    bus.subscribe(waiting("hanging", |_| std::future::pending()));
    bus.subscribe(writer("sound", &log));
    bus.start().unwrap();

    for n in 0..100 {
        bus.publish(tick("k", n)).await.unwrap();
    }
    settle().await;

    assert_eq!(all(&log), (0..100).collect::<Vec<_>>());
    let (stop, _) = tokio::join!(bus.stop(Duration::from_secs(1)), async {
        settle().await;
        clock.advance(Duration::from_secs(1));
    });
    assert_eq!((stop, bus.running_workers(), bus.in_flight()), (100, 0, 0));
}

#[tokio::test]
async fn a_stopped_bus_has_no_workers() {
    let (builder, _) = queued();
    let (bus, log) = (builder.workers(7).build(), Log::default());
    bus.subscribe(writer("one", &log));
    bus.start().unwrap();
    assert_eq!(bus.running_workers(), 7);
    bus.publish(tick("k", 1)).await.unwrap();

    let given_up = bus.stop(Duration::from_secs(1)).await;

    assert_eq!((given_up, bus.running_workers(), all(&log)), (0, 0, vec![1]));
}

#[tokio::test]
async fn a_bus_that_was_never_started_gives_up_what_it_has_at_the_stop() {
    let (builder, _) = queued();
    let (bus, log) = (builder.build(), Log::default());
    bus.subscribe(writer("one", &log));
    bus.publish(tick("k", 1)).await.unwrap();

    let given_up = bus.stop(Duration::from_secs(1)).await;

    assert_eq!((given_up, bus.errors().counts().total, all(&log)), (1, 1, vec![]));
}

#[tokio::test]
async fn a_dropped_bus_handles_what_it_has() {
    let (builder, _) = queued();
    let (bus, log) = (builder.build(), Log::default());
    bus.subscribe(writer("one", &log));
    bus.start().unwrap();
    for n in 0..10 {
        bus.publish(tick("k", n)).await.unwrap();
    }

    drop::<AsyncBus>(bus);
    settle().await;

    assert_eq!(all(&log), (0..10).collect::<Vec<_>>());
    // The bus, its workers and with them the subscriber are gone.
    assert_eq!(Arc::strong_count(&log), 1);
}
