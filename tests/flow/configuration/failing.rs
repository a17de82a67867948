//! Retries, breakers and rates.

use cqrs_core::prelude::*;
use cqrs_testkit::{Fault, FaultyStore};
use support::bank::Deposit;

use super::desk::{Look, Rig, code, rig, rig_over};

#[tokio::test]
pub async fn a_query_is_asked_again_so_often() {
    let rig = rig([("query_bus.max_retries", "2")]);
    rig.desk.fail(100);

    assert_eq!((rig.peek().await, rig.desk.runs()), ("rate_limited", 3));
    rig.change([("query_bus.max_retries", "0")]);
    assert_eq!((rig.peek().await, rig.desk.runs()), ("rate_limited", 1));
}

#[tokio::test]
pub async fn one_handler_may_be_tried_again() {
    let rig = rig([("handlers.Press.retry", "2")]);
    rig.desk.fail(100);

    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 3));
    rig.change([("handlers.Press.retry", "4")]);
    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 5));
    rig.change([]);
    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 1));
}

#[tokio::test]
pub async fn the_pauses_between_tries_are_as_they_are_said() {
    const FIVE: (&str, &str) = ("handlers.Press.retry", "4");
    const PLAIN: (&str, &str) = ("retry.jitter", "none");
    let rig =
        rig([FIVE, PLAIN, ("retry.base", "10ms"), ("retry.factor", "3"), ("retry.cap", "50ms")]);
    rig.desk.fail(100);
    let pauses = async || {
        rig.press().await;
        rig.desk.pauses()
    };

    assert_eq!(pauses().await, [10, 30, 50, 50]);
    rig.change([FIVE, PLAIN, ("retry.base", "20ms"), ("retry.factor", "2"), ("retry.cap", "1s")]);
    assert_eq!(pauses().await, [20, 40, 80, 160]);
    rig.change([FIVE, ("retry.base", "20ms"), ("retry.cap", "1s")]);
    assert_ne!(pauses().await, [20, 40, 80, 160], "a part is left to chance");
}

#[tokio::test]
pub async fn without_a_budget_nothing_is_tried_again() {
    let rig = rig([("handlers.Press.retry", "3"), ("retry.budget", "0")]);
    rig.desk.fail(100);

    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 1));
    rig.change([("handlers.Press.retry", "3"), ("retry.budget", "100")]);
    rig.pass(1_000).await;
    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 4));
    rig.change([("handlers.Press.retry", "3"), ("retry.budget", "0")]);
    assert_eq!((rig.press().await, rig.desk.runs()), ("rate_limited", 1));
}

#[tokio::test]
pub async fn a_command_that_lost_is_decided_again_so_often() {
    let store = FaultyStore::new(MemoryStore::new());
    let rig = rig_over(store.clone(), [("retry.conflicts", "2")]);
    crate::stores::open(&rig.app, "a").await;
    let deposit = async |conflicts| {
        store.inject(Fault::conflict().times(conflicts));
        let ended = rig.app.execute(Deposit { account: "a".into(), cents: 1 }).await;
        store.recover();
        code(ended)
    };

    assert_eq!((deposit(2).await, deposit(3).await), ("done", "conflict"));
    rig.change([("retry.conflicts", "3")]);
    assert_eq!((deposit(3).await, deposit(4).await), ("done", "conflict"));
}

const BREAKER: (&str, &str) = ("handlers.Press.breaker", "true");

async fn fails(rig: &Rig, times: u32) {
    rig.desk.fail(times);
    for _ in 0..times {
        assert_eq!(rig.press().await, "rate_limited");
    }
}

#[tokio::test]
pub async fn so_many_failures_open_a_breaker_and_one_less_does_not() {
    let rig = rig([BREAKER, ("circuit_breaker.failure_threshold", "3")]);

    fails(&rig, 2).await;
    assert_eq!(rig.press().await, "done", "two are too few");
    rig.pass(120_000).await;
    fails(&rig, 3).await;
    assert_eq!(rig.press().await, "circuit_open");

    rig.change([("circuit_breaker.failure_threshold", "3")]);
    assert_eq!(rig.press().await, "done", "it has no breaker any more");
    rig.change([BREAKER, ("circuit_breaker.failure_threshold", "5")]);
    rig.pass(120_000).await;
    assert_eq!(rig.press().await, "done", "the probe");
    fails(&rig, 4).await;
    assert_eq!(rig.press().await, "done", "four are too few now");
}

#[tokio::test]
pub async fn an_open_breaker_lets_probes_through_after_its_time() {
    let few = ("circuit_breaker.failure_threshold", "2");
    let rig = rig([BREAKER, few, ("circuit_breaker.timeout", "5s")]);

    fails(&rig, 2).await;
    rig.pass(4_990).await;
    assert_eq!(rig.press().await, "circuit_open");
    rig.pass(10).await;
    assert_eq!(rig.press().await, "done");

    rig.change([BREAKER, few, ("circuit_breaker.timeout", "50s")]);
    fails(&rig, 2).await;
    rig.pass(49_000).await;
    assert_eq!(rig.press().await, "circuit_open", "it takes longer now");
    rig.pass(1_000).await;
    assert_eq!(rig.press().await, "done");
}

#[tokio::test]
pub async fn failures_count_as_far_back_as_the_window_reaches() {
    let few = ("circuit_breaker.failure_threshold", "2");
    let rig = rig([BREAKER, few, ("circuit_breaker.window", "1s")]);

    fails(&rig, 1).await;
    rig.pass(3_000).await;
    fails(&rig, 1).await;
    assert_eq!(rig.press().await, "done", "the first is forgotten");

    rig.change([BREAKER, few, ("circuit_breaker.window", "1m")]);
    rig.pass(120_000).await;
    fails(&rig, 1).await;
    rig.pass(3_000).await;
    fails(&rig, 1).await;
    assert_eq!(rig.press().await, "circuit_open");
}

#[tokio::test]
pub async fn so_many_probes_have_to_succeed() {
    let few = ("circuit_breaker.failure_threshold", "2");
    let rig = rig([BREAKER, few, ("circuit_breaker.probes", "2")]);

    fails(&rig, 2).await;
    rig.pass(30_000).await;
    assert_eq!(rig.press().await, "done");
    fails(&rig, 1).await;
    assert_eq!(rig.press().await, "circuit_open", "the second probe has failed");

    rig.change([BREAKER, few, ("circuit_breaker.probes", "1")]);
    rig.pass(30_000).await;
    assert_eq!(rig.press().await, "done");
    fails(&rig, 1).await;
    assert_eq!(rig.press().await, "done", "one probe was enough");
}

async fn looks(rig: &Rig, actor: &'static str) -> &'static str {
    code(rig.app.query(Look { millis: 0 }).actor(actor).await)
}

#[tokio::test]
pub async fn a_caller_may_make_so_many_calls() {
    let rig = rig([("rate_limit.rate", "2/s")]);

    let calls = [looks(&rig, "ann").await, looks(&rig, "ann").await, looks(&rig, "ann").await];
    assert_eq!(calls, ["done", "done", "rate_limited"]);
    assert_eq!(looks(&rig, "ben").await, "done", "somebody else");
    rig.change([]);
    assert_eq!(looks(&rig, "ann").await, "done", "there is no limit any more");
}

#[tokio::test]
pub async fn one_handler_may_have_a_rate_of_its_own() {
    let rig = rig([("handlers.Look.rate_limit", "1/s")]);

    assert_eq!([looks(&rig, "ann").await, looks(&rig, "ann").await], ["done", "rate_limited"]);
    assert_eq!([rig.peek().await, rig.peek().await], ["done", "done"]);
    rig.change([("rate_limit.rate", "1/h"), ("handlers.Look.rate_limit", "none")]);
    assert_eq!([looks(&rig, "ann").await, looks(&rig, "ann").await], ["done", "done"]);
    assert_eq!([rig.peek().await, rig.peek().await], ["done", "rate_limited"]);
}

/// With room for one caller there are sixteen places; whoever comes then takes
/// one of them.
#[tokio::test]
pub async fn so_many_callers_are_told_apart() {
    let forgotten = async |keys: &str| {
        let rig = rig([("rate_limit.rate", "1/h"), ("rate_limit.keys", keys)]);
        let names: Vec<String> = (0..200).map(|number| format!("caller {number}")).collect();
        for name in &names {
            rig.app.query(Look { millis: 0 }).actor(name.as_str()).await.unwrap();
        }
        let mut again = 0;
        for name in &names {
            again +=
                u32::from(rig.app.query(Look { millis: 0 }).actor(name.as_str()).await.is_ok());
        }
        again
    };

    assert!(forgotten("1").await > 100);
    assert_eq!(forgotten("65536").await, 0);
}
