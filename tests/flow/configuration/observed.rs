//! What is told of calls, and who may make them.

use std::sync::atomic::Ordering;

use cqrs_core::policy::Principal;
use cqrs_core::prelude::*;

use super::desk::{Look, Rig, Work, code, rig};
use super::logged::Lines;

async fn work(rig: &Rig) -> &'static str {
    code(rig.app.execute(Work { millis: 0 }).await)
}

#[tokio::test]
pub async fn calls_are_logged_or_not() {
    let lines = Lines::capture();
    let rig = rig([("logging.enabled", "false")]);

    work(&rig).await;
    assert_eq!(lines.take(), [""; 0]);
    rig.change([("logging.enabled", "true")]);
    work(&rig).await;
    assert_eq!(lines.take().len(), 1);
}

#[tokio::test]
pub async fn what_is_logged_of_a_call_has_its_content_or_not() {
    let lines = Lines::capture();
    let rig = rig([]);
    let told = async || {
        work(&rig).await;
        lines.take().iter().any(|line| line.contains("millis"))
    };

    assert!(!told().await, "it may hold secrets");
    rig.change([("logging.arguments", "true")]);
    assert!(told().await);
}

#[tokio::test]
pub async fn what_is_logged_of_a_call_has_its_time_or_not() {
    let lines = Lines::capture();
    let rig = rig([]);
    let told = async || {
        work(&rig).await;
        lines.take().iter().any(|line| line.contains("duration_us"))
    };

    assert!(told().await);
    rig.change([("logging.timing", "false")]);
    assert!(!told().await);
}

#[tokio::test]
pub async fn a_part_of_the_calls_is_logged_and_those_that_fail_always() {
    let lines = Lines::capture();
    let rig = rig([("logging.sampling", "0.25")]);
    let told = async || {
        for _ in 0..400 {
            work(&rig).await;
        }
        lines.take().len()
    };

    let quarter = told().await;
    assert!((60..140).contains(&quarter), "{quarter}");
    rig.change([("logging.sampling", "0")]);
    assert_eq!(told().await, 0);
    rig.desk.fail(1);
    rig.press().await;
    assert_eq!(lines.take().len(), 1);
}

#[tokio::test]
pub async fn commands_are_counted_or_not() {
    let counted = async |keys| {
        let rig = rig(keys);
        work(&rig).await;
        rig.app.query(Look { millis: 0 }).await.unwrap();
        let of = |name| rig.app.metrics().iter().any(|one| one.target.name == name);
        (of("Work"), of("Look"))
    };

    assert_eq!(counted([("command_bus.enable_metrics", "true")]).await, (true, true));
    assert_eq!(counted([("command_bus.enable_metrics", "false")]).await, (false, true));
    assert_eq!(counted([("query_bus.enable_metrics", "false")]).await, (true, false));
}

#[tokio::test]
pub async fn a_message_without_a_rule_is_refused_where_that_is_wanted() {
    let (open, closed) = (rig([]), rig([("authorization.deny_by_default", "true")]));
    let ann = || Origin::new().principal(Principal::new("ann"));

    assert_eq!(code(open.app.execute(Work { millis: 0 }).from(ann()).await), "done");
    assert_eq!(code(closed.app.execute(Work { millis: 0 }).from(ann()).await), "forbidden");
}

#[tokio::test]
pub async fn calls_are_recorded_or_not() {
    let recorded = async |enabled| {
        let rig = rig([("audit.enabled", enabled)]);
        work(&rig).await;
        rig.app.query(Look { millis: 0 }).await.unwrap();
        rig.book.0.lock().unwrap().clone()
    };

    assert_eq!(recorded("false").await, [""; 0]);
    assert_eq!(recorded("true").await, ["Work", "Look"]);
}

#[tokio::test]
pub async fn a_call_that_cannot_be_recorded_is_refused_where_that_is_wanted() {
    let ended = async |closed| {
        let rig = rig([("audit.enabled", "true"), ("audit.fail_closed", closed)]);
        rig.book.1.store(true, Ordering::SeqCst);
        (work(&rig).await, rig.desk.runs())
    };

    assert_eq!(ended("false").await, ("done", 1));
    assert_eq!(ended("true").await, ("audit_unavailable", 0));
}
