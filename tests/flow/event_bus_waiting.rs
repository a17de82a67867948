//! Who waits for the subscribers of the event bus, and for how long.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::event_bus::{BusEvent, Flavour, Handler, Interest, Subscriber};
use cqrs_core::prelude::*;
use cqrs_core::projection::WaitError;
use cqrs_core::store::EventStore;
use cqrs_testkit::fault::{Fault, FaultyStore};
use support::bank::*;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::event_bus::{Seen, app_with, deposit, flavoured, gated, handled, hanging, until};
use crate::stores::{GUARD, builder, open};

fn spawned(app: &App, cents: i64) -> tokio::task::JoinHandle<bool> {
    let app = app.clone();
    tokio::spawn(async move { app.execute(deposit(cents)).await.is_ok() })
}

#[tokio::test]
async fn a_call_waits_for_its_own_events_and_not_for_those_behind_them() {
    let store = MemoryStore::new();
    let app = builder().config(flavoured(Flavour::Sync)).store(store.clone()).build().unwrap();
    open(&app, "a").await;
    let (running, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    app.events().subscribe(gated("gated", &running, &gate));
    let head = || store.watch().head().get();
    let first = spawned(&app, 1);
    until(|| running.load(Ordering::SeqCst) == 1).await;
    let second = spawned(&app, 2);
    until(|| head() == 3).await;
    let third = spawned(&app, 3);
    until(|| head() == 4).await;

    gate.add_permits(2);

    assert!(first.await.unwrap() && second.await.unwrap());
    assert!(!third.is_finished());
    gate.add_permits(1);
    assert!(third.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_subscribers_no_longer_than_it_may_take() {
    let mut config = flavoured(Flavour::Sync);
    config.command_bus.timeout = Duration::from_secs(5);
    let (app, _, gate) = hanging(config).await;

    let begun = Instant::now();
    app.execute(deposit(1)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5);

    let begun = Instant::now();
    app.execute(deposit(2)).timeout(Duration::from_secs(2)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    gate.add_permits(2);
}

#[tokio::test]
async fn who_waits_for_a_commit_waits_for_its_subscribers_to_end() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, running, gate) = hanging(flavoured(flavour)).await;
        let caller = tokio::spawn({
            let app = app.clone();
            async move { handled(&app, 1).await }
        });
        until(|| running.load(Ordering::SeqCst) == 1).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!caller.is_finished(), "{flavour:?}");

        gate.add_permits(1);
        caller.await.unwrap();

        assert_eq!(running.load(Ordering::SeqCst), 0, "{flavour:?}");
    }
}

#[tokio::test]
async fn nobody_waits_for_subscribers_that_there_are_not() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let app = app_with(flavoured(flavour));
        open(&app, "a").await;
        handled(&app, 1).await;
    }
}

#[tokio::test]
async fn the_bus_of_an_application_does_what_the_bus_behind_it_does() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
        let bus = app.events();
        assert_eq!((bus.flavour(), bus.has_subscribers()), (flavour, false));
        bus.subscribe(seen.subscriber("seen"));
        assert!(bus.has_subscribers());
        open(&app, "a").await;
        handled(&app, 1).await;

        let event = |cents| {
            let deposited = AccountEvent::Deposited { cents };
            BusEvent::of(bus.services(), "a", deposited)
        };
        bus.publish_batch(vec![event(2), event(3)]).await.unwrap();
        bus.publish(event(4)).await.unwrap();
        bus.wait().await.unwrap();
        assert_eq!(seen.all(), [0, 1, 2, 3, 4], "{flavour:?}");

        bus.stop(GUARD).await;
        assert!(bus.start().is_err(), "{flavour:?}");
    }
}

#[tokio::test]
async fn a_subscriber_that_waits_for_itself_is_told_so() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, told) = (app_with(flavoured(flavour)), Arc::new(Mutex::new(Vec::new())));
        open(&app, "a").await;
        let (own, answers) = (app.clone(), Arc::clone(&told));
        let handler = Handler::waiting(move |event| {
            let (app, answers) = (own.clone(), Arc::clone(&answers));
            let deposited = event.record().unwrap().version().get();
            async move {
                if deposited == 2 {
                    let executed = app.execute(deposit(2)).await?;
                    let token = executed.receipt.token().expect("it has stored an event");
                    let waited = app.wait_for_events(token, GUARD).await;
                    answers.lock().unwrap().push(waited);
                }
                Ok(())
            }
        });
        let waiting = Subscriber::new("waiting", Interest::of::<AccountEvent>(), handler);
        let subscription = app.events().subscribe(waiting);

        app.execute(deposit(1)).await.unwrap();
        until(|| !told.lock().unwrap().is_empty()).await;

        let told = told.lock().unwrap();
        assert!(matches!(told[..], [Err(WaitError::Stuck { .. })]), "{flavour:?}: {told:?}");
        subscription.unsubscribe();
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_for_a_while_is_followed_from_where_it_was() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let store = FaultyStore::new(MemoryStore::new());
        let app = builder().config(flavoured(flavour)).store(store.clone()).build().unwrap();
        let seen = Seen::default();
        open(&app, "a").await;
        app.events().subscribe(seen.subscriber("seen"));
        handled(&app, 1).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }

        store.inject(Fault::unreadable().times(3));
        for cents in 2..=4 {
            app.execute(deposit(cents)).await.unwrap();
        }
        let all = async {
            while seen.all().len() < 4 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(GUARD, all).await.expect("the log is read again");

        assert_eq!(seen.all(), [1, 2, 3, 4], "{flavour:?}");
    }
}
