//! How event handlers try, and how much they take at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_core::prelude::*;
use cqrs_testkit::{Fault, FaultyStore, ManualClock};

use super::desk::{Book, Desk, Rig, builder, config, rig, rig_over, settle};

/// The pauses between the tries of an event that is parked in the end, in
/// milliseconds; time goes on by `step`.
async fn parked(rig: &Rig, step: u64) -> Vec<u128> {
    static ACCOUNTS: AtomicU32 = AtomicU32::new(0);
    let count = || rig.app.subscriptions().iter().map(|one| one.parked).sum::<u64>();
    let before = count();
    rig.desk.fail(10_000);
    rig.desk.runs();
    let account = format!("account-{}", ACCOUNTS.fetch_add(1, Ordering::SeqCst));
    crate::stores::open(&rig.app, &account).await;
    while count() == before {
        rig.pass(step).await;
    }
    rig.desk.pauses()
}

#[tokio::test]
pub async fn an_event_is_tried_so_often() {
    let rig = rig([("event_handlers.max_attempts", "3")]);

    assert_eq!(parked(&rig, 100).await.len(), 2);
    rig.change([("event_handlers.max_attempts", "6")]);
    assert_eq!(parked(&rig, 1_000).await.len(), 5);
}

#[tokio::test]
pub async fn an_event_is_tried_again_after_pauses_that_begin_small() {
    let rig = rig([("event_handlers.base", "10ms"), ("event_handlers.max_attempts", "2")]);

    assert!(parked(&rig, 1).await[0] <= 10);
    rig.change([("event_handlers.base", "29s"), ("event_handlers.max_attempts", "2")]);
    assert!(parked(&rig, 100).await[0] > 100);
}

#[tokio::test]
pub async fn the_pauses_between_tries_of_an_event_have_a_bound() {
    let keys = [("event_handlers.base", "10ms"), ("event_handlers.max_attempts", "9")];
    let rig = rig([keys[0], keys[1], ("event_handlers.cap", "10ms")]);

    assert!(parked(&rig, 1).await.iter().all(|pause| *pause <= 10));
    rig.change([keys[0], keys[1], ("event_handlers.cap", "10s")]);
    assert!(parked(&rig, 1).await.iter().any(|pause| *pause > 100));
}

#[tokio::test]
pub async fn one_subscription_may_try_in_another_way() {
    let few = ("subscriptions.listener.max_attempts", "2");
    let rig = rig([few]);

    assert_eq!(parked(&rig, 100).await.len(), 1);
    rig.change([("subscriptions.listener.max_attempts", "4")]);
    assert_eq!(parked(&rig, 100).await.len(), 3);
}

#[tokio::test]
pub async fn one_subscription_may_begin_with_other_pauses() {
    let few = ("subscriptions.listener.max_attempts", "2");
    let rig = rig([few, ("subscriptions.listener.base", "5ms")]);

    assert!(parked(&rig, 1).await[0] <= 5);
    rig.change([few, ("subscriptions.listener.base", "29s")]);
    assert!(parked(&rig, 100).await[0] > 100);
}

#[tokio::test]
pub async fn the_pauses_of_one_subscription_may_have_another_bound() {
    let many = ("subscriptions.listener.max_attempts", "9");
    let rig = rig([many, ("subscriptions.listener.cap", "100ms")]);

    assert!(parked(&rig, 1).await.iter().all(|pause| *pause <= 100));
    rig.change([many, ("subscriptions.listener.cap", "10s")]);
    assert!(parked(&rig, 10).await.iter().any(|pause| *pause > 110));
}

#[tokio::test]
pub async fn so_many_events_are_committed_together() {
    let store = FaultyStore::new(MemoryStore::new());
    let rig = rig_over(store.clone(), [("event_handlers.batch", "2")]);
    let places = || store.committed().iter().filter(|unit| unit.streams.is_empty()).count();
    let committed = async |accounts: &[&str]| {
        settle().await;
        rig.app.pause_handler("listener");
        settle().await;
        for account in accounts {
            crate::stores::open(&rig.app, account).await;
        }
        settle().await;
        let before = places();
        rig.app.resume_handler("listener");
        for _ in 0..20 {
            rig.pass(1_000).await;
        }
        places() - before
    };

    assert_eq!(committed(&["a", "b", "c", "d", "e", "f"]).await, 3);
    rig.change([("event_handlers.batch", "3")]);
    assert_eq!(committed(&["g", "h", "i", "j", "k", "l"]).await, 2);
}

#[tokio::test]
pub async fn a_process_that_is_silent_so_long_loses_its_handlers() {
    // The seconds until another process has handled an event.
    let taken_over = async |lease: &str| {
        let clock = ManualClock::new();
        let log = MemoryStore::with_clock(clock.clone());
        let silent = FaultyStore::new(log.clone());
        let rig = |store: FaultyStore| {
            let desk = Arc::new(Desk::default());
            let builder = builder(&clock, &desk, store).audit(Book::default());
            let app = builder.config(config([("event_handlers.lease", lease)])).build();
            Rig { app: app.expect("complete"), clock: clock.clone(), desk, book: Book::default() }
        };
        let one = rig(silent.clone());
        one.pass(100).await;
        let two = rig(FaultyStore::new(log));
        silent.inject(Fault::unleasable().times(usize::MAX));
        silent.inject(Fault::unreadable().times(usize::MAX));
        silent.inject(Fault::unavailable().times(usize::MAX));
        crate::stores::open(&two.app, "a").await;
        let mut tenths = 0;
        while two.desk.tries.lock().unwrap().is_empty() {
            two.pass(100).await;
            tenths += 1;
        }
        tenths / 10
    };

    assert!((1..=4).contains(&taken_over("2s").await));
    assert!((55..=90).contains(&taken_over("60s").await));
}
