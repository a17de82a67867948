//! Time, turns and depth on the buses.

use cqrs_core::prelude::*;

use super::desk::{Nest, code, rig, settle};
use super::logged::Lines;

#[tokio::test]
pub async fn a_command_is_given_up_after_the_time_of_its_bus() {
    let rig = rig([("command_bus.timeout", "1s")]);

    let parked = rig.work(60_000);
    rig.pass(999).await;
    assert!(!parked.is_finished(), "its time is not up");
    rig.pass(1).await;
    assert_eq!((parked.await.unwrap(), rig.desk.inside()), ("timeout", 0));

    rig.change([("command_bus.timeout", "5s")]);
    let parked = rig.work(60_000);
    rig.pass(4_999).await;
    assert!(!parked.is_finished(), "it has more time now");
    rig.pass(1).await;
    assert_eq!(parked.await.unwrap(), "timeout");
}

#[tokio::test]
pub async fn a_query_is_given_up_after_the_time_of_its_bus() {
    let rig = rig([("query_bus.timeout", "1s")]);

    let parked = rig.look(60_000);
    rig.pass(999).await;
    assert!(!parked.is_finished(), "its time is not up");
    rig.pass(1).await;
    assert_eq!(parked.await.unwrap(), "timeout");

    rig.change([("query_bus.timeout", "2s")]);
    let parked = rig.look(60_000);
    rig.pass(1_999).await;
    assert!(!parked.is_finished(), "it has more time now");
    rig.pass(1).await;
    assert_eq!(parked.await.unwrap(), "timeout");
}

#[tokio::test]
pub async fn one_handler_may_have_another_time() {
    let rig = rig([("handlers.Work.timeout", "10ms")]);

    let (short, long) = (rig.work(60_000), rig.look(20));
    rig.pass(10).await;
    assert_eq!((short.await.unwrap(), long.is_finished()), ("timeout", false));

    rig.change([("handlers.Work.timeout", "20ms")]);
    let short = rig.work(60_000);
    rig.pass(19).await;
    assert!(!short.is_finished());
    rig.pass(1).await;
    assert_eq!(short.await.unwrap(), "timeout");
}

#[tokio::test]
pub async fn a_call_that_takes_long_is_told_of_before_its_time_is_up() {
    let lines = Lines::capture();
    let rig = rig([("command_bus.timeout", "10s"), ("command_bus.warn_after", "0.5")]);
    let warned = || lines.take().iter().any(|line| line.contains("still running"));

    let _slow = rig.work(60_000);
    rig.pass(4_999).await;
    assert!(!warned(), "too early");
    rig.pass(1).await;
    assert!(warned());

    rig.change([("command_bus.timeout", "10s"), ("command_bus.warn_after", "1s")]);
    let _slow = rig.work(60_000);
    rig.pass(999).await;
    assert!(!warned(), "too early");
    rig.pass(1).await;
    assert!(warned());
}

#[tokio::test]
pub async fn so_many_commands_run_at_once_and_so_many_wait() {
    let rig = rig([("command_bus.concurrency", "2"), ("command_bus.queue", "1")]);

    let calls: Vec<_> = (0..3).map(|_| rig.work(100)).collect();
    settle().await;
    assert_eq!(rig.desk.inside(), 2, "two have a turn");
    assert_eq!(rig.work(100).await.unwrap(), "overloaded", "the queue is full");

    rig.change([("command_bus.concurrency", "3"), ("command_bus.queue", "2")]);
    settle().await;
    assert_eq!(rig.desk.inside(), 3, "who waits is let in");
    let more = [rig.work(100), rig.work(100)];
    settle().await;
    assert_eq!(rig.work(100).await.unwrap(), "overloaded", "two wait");

    rig.change([]);
    settle().await;
    assert_eq!(rig.desk.inside(), 5, "nobody waits for a limit that is lifted");
    rig.pass(100).await;
    for call in calls.into_iter().chain(more) {
        assert_eq!(call.await.unwrap(), "done");
    }
}

#[tokio::test]
pub async fn so_many_queries_run_at_once_and_so_many_wait() {
    let rig = rig([("query_bus.concurrency", "2"), ("query_bus.queue", "0")]);

    let calls = [rig.look(100), rig.look(100)];
    settle().await;
    assert_eq!(rig.look(100).await.unwrap(), "overloaded", "nobody may wait");

    rig.change([("query_bus.concurrency", "3"), ("query_bus.queue", "1")]);
    let more = [rig.look(100), rig.look(100)];
    settle().await;
    assert_eq!((rig.desk.inside(), rig.look(1).await.unwrap()), (3, "overloaded"));
    rig.pass(100).await;
    rig.pass(100).await;
    for call in calls.into_iter().chain(more) {
        assert_eq!(call.await.unwrap(), "done");
    }
}

#[tokio::test]
pub async fn one_handler_may_have_turns_of_its_own() {
    let keys = [("handlers.Look.concurrency", "1"), ("query_bus.queue", "0")];
    let rig = rig([keys[0], keys[1], ("handlers.Work.concurrency", "1")]);

    let (first, worker) = (rig.look(100), rig.work(100));
    settle().await;
    assert_eq!(rig.look(100).await.unwrap(), "overloaded", "the queue is that of queries");
    let waits = rig.work(100);
    settle().await;
    assert!(!waits.is_finished(), "commands have another queue");

    rig.change([("handlers.Look.concurrency", "2"), ("handlers.Work.concurrency", "none")]);
    let second = rig.look(100);
    settle().await;
    assert_eq!(rig.desk.inside(), 4);
    rig.pass(100).await;
    for call in [first, second, worker, waits] {
        assert_eq!(call.await.unwrap(), "done");
    }
}

#[tokio::test]
pub async fn handlers_send_on_up_to_a_depth() {
    let rig = rig([("command_bus.max_depth", "3")]);
    let nest = async |depth| code(rig.app.execute(Nest { depth }).await);

    assert_eq!((nest(3).await, nest(4).await), ("done", "too_deep"));
    rig.change([("command_bus.max_depth", "4")]);
    assert_eq!((nest(4).await, nest(5).await), ("done", "too_deep"));
}

#[tokio::test]
pub async fn a_shutdown_waits_as_long_as_it_may() {
    let rig = rig([("shutdown.grace", "3s")]);
    let _parked = rig.work(60_000);
    settle().await;

    rig.change([("shutdown.grace", "4s")]);
    let app = rig.app.clone();
    let ends = tokio::spawn(async move { app.shutdown().await });
    rig.pass(3_999).await;
    assert!(!ends.is_finished(), "it has more time now");
    rig.pass(1).await;
    assert_eq!(ends.await.unwrap().calls, 1);
}

#[tokio::test]
pub async fn a_shutdown_waits_no_longer_than_was_said_at_first() {
    let rig = rig([("shutdown.grace", "3s")]);
    let _parked = rig.work(60_000);
    settle().await;

    let app = rig.app.clone();
    let ends = tokio::spawn(async move { app.shutdown().await });
    rig.pass(2_999).await;
    assert!(!ends.is_finished());
    rig.pass(1).await;
    assert_eq!(ends.await.unwrap().calls, 1);
}

#[tokio::test]
async fn what_code_says_about_the_grace_period_holds_whatever_the_configuration_says() {
    use super::desk::{Desk, builder, config};
    let (clock, desk) = (cqrs_testkit::ManualClock::new(), std::sync::Arc::new(Desk::default()));
    let builder = builder(&clock, &desk, MemoryStore::new());
    let builder = builder.grace_period(std::time::Duration::from_secs(1));
    let app = builder.config(config([("shutdown.grace", "1h")])).build().unwrap();
    let parked = app.clone();
    tokio::spawn(async move { parked.execute(super::desk::Work { millis: 60_000 }).await });
    settle().await;

    let ends = tokio::spawn(async move { app.shutdown().await });
    settle().await;
    clock.advance(std::time::Duration::from_secs(1));

    assert_eq!(ends.await.unwrap().calls, 1);
}
