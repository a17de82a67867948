//! Start, stop and wait.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::event_bus::{EventBus, PublishError};
use tokio::sync::Semaphore;

use super::bench::{Bench, LONG, Seen, number, settle, waiting, writer};
use crate::conformance::{joined, spawn};

pub(super) async fn a_stopped_bus_refuses_every_call(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(writer("one", &seen));

    bus.stop(LONG).await;

    bench.stopped(bus.publish(bench.event("a", 1)).await);
    bench.stopped(bus.publish_and_wait(bench.event("a", 2)).await);
    let batch = bus.publish_batch(vec![bench.event("a", 3), bench.event("a", 4)]).await;
    let error = batch.expect_err("life: a stopped bus must refuse a batch");
    bench.equal("a stopped bus refuses each event of a batch", error.indexes(), vec![0, 1]);
    bench.holds("and says why", error.iter().all(|(_, e)| matches!(e, PublishError::Stopped)));
    bench.equal("nothing is handled", seen.len(), 0);
    bench.done("waiting for a stopped bus must end", bus.wait().await);
}

pub(super) async fn a_stopped_bus_stays_stopped(bench: Bench) {
    let bus = bench.bus();

    bus.stop(LONG).await;

    bench.stopped(bus.start());
    bench.stopped(bus.publish(bench.event("a", 1)).await);
}

pub(super) async fn a_second_stop_changes_nothing(bench: Bench) {
    let bus = bench.bus();
    bus.subscribe(writer("one", &Seen::new()));
    bench.publish(&bus, bench.event("a", 1)).await;

    let first = bus.stop(LONG).await;
    let second = bus.stop(LONG).await;

    bench.equal("nothing was given up", (first, second), (0, 0));
}

pub(super) async fn a_second_start_changes_nothing(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(writer("one", &seen));

    bench.done("a second start is no error", bus.start());
    bench.publish(&bus, bench.event("a", 1)).await;

    bench.equal("each event comes once", seen.all(), vec![1]);
}

/// Publishes an event whose handler waits for a permit.
fn held(bench: &Bench, bus: &Arc<dyn EventBus>) -> (Arc<Semaphore>, Seen<u64>) {
    let (gate, seen) = (Arc::new(Semaphore::new(0)), Seen::new());
    let (own, numbers) = (Arc::clone(&gate), seen.clone());
    bus.subscribe(waiting("held", move |event| {
        let (gate, seen) = (Arc::clone(&own), numbers.clone());
        async move {
            let _permit = gate.acquire().await?;
            seen.add(number(&event));
            Ok(())
        }
    }));
    let (bus, event) = (Arc::clone(bus), bench.event("a", 1));
    drop(spawn(async move { bus.publish(event).await }));
    (gate, seen)
}

pub(super) async fn stop_lets_what_was_published_finish(bench: Bench) {
    let bus = bench.bus();
    let (gate, seen) = held(&bench, &bus);
    settle().await;

    let stopping = Arc::clone(&bus);
    let stop = spawn(async move { stopping.stop(LONG).await });
    settle().await;
    bench.holds("stop must wait for what is in flight", !stop.is_finished());
    bench.stopped(bus.publish(bench.event("a", 2)).await);
    gate.add_permits(1);

    bench.equal("nothing was given up", joined(stop).await, 0);
    bench.equal("what was published is handled", seen.all(), vec![1]);
}

pub(super) async fn stop_gives_up_what_hangs_after_the_grace(bench: Bench) {
    let bus = bench.bus();
    bus.subscribe(waiting("hanging", |_| pending()));
    let (publishing, event) = (Arc::clone(&bus), bench.event("a", 1));
    let publish = spawn(async move { publishing.publish_and_wait(event).await });
    settle().await;

    let stopping = Arc::clone(&bus);
    let stop = spawn(async move { stopping.stop(Duration::from_secs(10)).await });
    settle().await;
    bench.clock.advance(Duration::from_secs(9));
    settle().await;
    bench.holds("stop must keep to its grace", !stop.is_finished());
    bench.clock.advance(Duration::from_secs(1));

    bench.equal("what hangs is given up", joined(stop).await, 1);
    let answer = joined(publish).await;
    let told = matches!(answer, Err(PublishError::Handlers(_)));
    bench.holds("whoever waits is told", told);
    bench.equal("and it counts as a failure", bus.errors().counts().total, 1);
}

pub(super) async fn wait_returns_when_all_is_handled(bench: Bench) {
    let bus = bench.bus();
    let (gate, seen) = held(&bench, &bus);
    settle().await;

    let waiting = Arc::clone(&bus);
    let wait = spawn(async move { waiting.wait().await });
    settle().await;
    bench.holds("wait must not return before the handlers", !wait.is_finished());
    gate.add_permits(1);

    bench.done("waiting must end", joined(wait).await);
    bench.equal("all is handled by then", seen.all(), vec![1]);
    bench.done("waiting for an idle bus must end", bus.wait().await);
}

pub(super) async fn a_publisher_that_is_dropped_changes_nothing(bench: Bench) {
    let (bus, behind) = (bench.bus(), Seen::new());
    let gate = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&gate);
    bus.subscribe(waiting("held", move |_| {
        let gate = Arc::clone(&own);
        async move {
            let _permit = gate.acquire().await?;
            Ok(())
        }
    }));
    bus.subscribe(writer("behind", &behind));
    let (publishing, event) = (Arc::clone(&bus), bench.event("a", 1));
    let publish = spawn(async move { publishing.publish_and_wait(event).await });
    settle().await;

    publish.abort();
    settle().await;
    gate.add_permits(1);
    bench.done("waiting must end", bus.wait().await);

    bench.equal("every handler has run", behind.all(), vec![1]);
}
