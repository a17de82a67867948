//! The end of the event bus of an application.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cqrs_core::config::Limit;
use cqrs_core::event_bus::{DeliveryError, Flavour, Handler, Interest, PublishError, Subscriber};
use cqrs_core::prelude::*;
use cqrs_testkit::ManualClock;
use support::bank::*;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::event_bus::{Seen, app_with, deposit, flavoured, flood, gated, handled, hanging, until};
use crate::stores::{builder, open};

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_subscribers_end_within_its_grace() {
    let app = app_with(flavoured(Flavour::Async));
    open(&app, "a").await;
    let handler = Handler::waiting(|_| async {
        sleep(Duration::from_secs(1)).await;
        Ok(())
    });
    app.events().subscribe(Subscriber::new("slow", Interest::of::<AccountEvent>(), handler));
    app.execute(deposit(1)).await.unwrap();

    let left = app.shutdown_within(Duration::from_secs(4)).await;

    assert!(left.is_orderly(), "{left:?}");
    assert_eq!(app.events().errors().counts().total, 0);
}

#[tokio::test]
async fn what_publishing_takes_of_the_grace_is_gone_for_handling() {
    let (clock, second) = (ManualClock::new(), Duration::from_secs(1));
    let app = builder().config(flavoured(Flavour::Async)).clock(clock.clone());
    let app = app.store(MemoryStore::new()).build().unwrap();
    open(&app, "a").await;
    let (running, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    // The second event waits for room until the first was handled.
    app.events().subscribe(gated("gated", &running, &gate).capacity(1));
    flood(&app, 2).await;
    let stopping = app.clone();
    let stop = tokio::spawn(async move { stopping.shutdown_within(4 * second).await });
    settle().await;

    clock.advance(second);
    gate.add_permits(1);
    settle().await;
    assert!(!stop.is_finished());
    clock.advance(second);
    settle().await;

    // Half of the grace is over, for both together.
    assert!(stop.is_finished());
    assert_eq!(stop.await.unwrap().deliveries, 1);
}

#[tokio::test]
async fn what_is_stored_behind_the_end_of_the_bus_is_reported_once() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
        open(&app, "a").await;
        app.events().subscribe(seen.subscriber("seen"));
        handled(&app, 1).await;
        app.events().stop(Duration::ZERO).await;

        flood(&app, 3).await;
        let errors = app.events().errors();
        until(|| errors.counts().total > 0).await;
        settle().await;

        assert_eq!((errors.counts().total, seen.all()), (1, vec![1]), "{flavour:?}");
        let DeliveryError::NotPublished(error) = &*errors.take()[0].error.clone() else {
            panic!("{errors:?}")
        };
        assert!(matches!(**error, PublishError::Stopped));
    }
}

#[tokio::test]
async fn what_still_runs_when_the_grace_is_over_is_counted_and_ended() {
    assert_eq!(left_behind(3).await - left_behind(1).await, 2);
}

/// How many tasks still run when the grace of an application is over whose bus
/// has so many workers, one of which hangs.
async fn left_behind(workers: usize) -> usize {
    let mut config = flavoured(Flavour::Async);
    config.event_bus.concurrency = Limit::Of(workers);
    let (app, running, gate) = hanging(config).await;
    app.execute(deposit(1)).await.unwrap();
    until(|| running.load(Ordering::SeqCst) == 1).await;
    let held = Arc::strong_count(&gate);

    let left = app.shutdown_within(Duration::ZERO).await;

    until(|| Arc::strong_count(&gate) < held).await;
    left.tasks
}
