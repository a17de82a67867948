//! A configuration is taken over as a whole or not at all.

use std::sync::{Arc, Barrier};

use cqrs_core::config::{Config, MistakeKind};
use cqrs_core::prelude::*;
use cqrs_testkit::ManualClock;

use super::desk::{Desk, Nest, builder, code, config, rig, settle};

fn problems(config: Config) -> Vec<String> {
    let (clock, desk) = (ManualClock::new(), Arc::new(Desk::default()));
    let built = builder(&clock, &desk, MemoryStore::new()).config(config).build();
    let error = built.expect_err("it is wrong");
    error.problems().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_wrong_configuration_keeps_the_application_from_being_built() {
    let mut wrong = config([("handlers.Wrok.retry", "1"), ("subscriptions.listner.base", "1s")]);
    wrong.handlers.insert("listener".to_owned(), wrong.handlers["Wrok"].clone());
    wrong.subscriptions.insert("Work".to_owned(), wrong.subscriptions["listner"].clone());
    wrong.retry.factor = 0;
    wrong.command_bus.max_depth = 0;
    wrong.event_handlers.cap = std::time::Duration::from_millis(1);

    insta::assert_snapshot!(problems(wrong).join("\n"));
}

#[tokio::test]
async fn a_change_that_fails_changes_nothing() {
    let rig = rig([("command_bus.max_depth", "3")]);
    let before = rig.app.config();
    let fails = |change: fn(&mut Config)| {
        let mut next = config([("command_bus.max_depth", "9"), ("handlers.Work.timeout", "1ms")]);
        change(&mut next);
        let error = rig.app.reconfigure(next).unwrap_err();
        assert_eq!(error.code().as_str(), "configuration");
        error.mistakes().iter().map(|one| (one.kind(), one.path().to_owned())).collect::<Vec<_>>()
    };

    let unknown = fails(|next| {
        next.handlers.insert("Wrok".to_owned(), Default::default());
    });
    let event = fails(|next| {
        next.handlers.insert("listener".into(), Default::default());
    });
    let fixed = fails(|next| next.rate_limit.keys = 1);
    let bounds = fails(|next| next.retry.factor = 0);

    assert_eq!(unknown, [(MistakeKind::UnknownName, "handlers.Wrok".to_owned())]);
    assert_eq!(event, [(MistakeKind::UnknownName, "handlers.listener".to_owned())]);
    assert_eq!(fixed, [(MistakeKind::Fixed, "rate_limit.keys".to_owned())]);
    assert_eq!(bounds, [(MistakeKind::Value, "retry.factor".to_owned())]);
    assert_eq!(rig.app.config(), before);
    assert_eq!(code(rig.app.execute(Nest { depth: 4 }).await), "too_deep");
    let slow = rig.work(10);
    rig.pass(10).await;
    assert_eq!(slow.await.unwrap(), "done", "its time is the old one");
}

/// Of two changes at a time, the one that is seen is the one that holds, in
/// every part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_from_many_threads_while_calls_run_are_taken_over_as_a_whole() {
    let rig = rig([]);
    let one = config([("query_bus.concurrency", "1"), ("query_bus.queue", "0")]);
    let both = [one, config([("handlers.Nest.timeout", "7s")])];
    let calls = {
        let app = rig.app.clone();
        tokio::spawn(async move {
            for _ in 0..3_000 {
                app.execute(Nest { depth: 3 }).await.expect("nothing is in its way");
                tokio::task::yield_now().await;
            }
        })
    };

    for _ in 0..300 {
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (app, both, barrier) = (rig.app.clone(), both.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    app.reconfigure(both[number % 2].clone()).expect("it is right");
                    assert!(both.contains(&app.config()));
                })
            })
            .collect();
        tokio::task::block_in_place(|| threads.into_iter().for_each(|one| one.join().unwrap()));

        let parked = rig.look(60_000);
        while rig.desk.inside() == 0 {
            tokio::task::yield_now().await;
        }
        let is_one = *rig.app.config() == both[0];
        assert_eq!(
            code(rig.app.query(super::desk::Look { millis: 0 }).await),
            if is_one { "overloaded" } else { "done" }
        );
        parked.abort();
        parked.await.unwrap_err();
        settle().await;
    }
    calls.await.unwrap();
}
