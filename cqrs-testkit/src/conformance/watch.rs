//! The signal that wakes readers.

use cqrs_core::store::{EventStore, ExpectedVersion, Position};

use super::bench::{Bench, joined, spawn, stream};

pub(super) async fn a_commit_wakes_who_waits_for_it(bench: Bench) {
    for round in 0..5 {
        let mut watches = [bench.store().watch(), bench.store().watch()];
        let before = bench.head().await;
        let waiting = spawn(async move {
            for watch in &mut watches {
                watch.above(before).await;
                assert!(watch.head() > before, "watch: woken without a higher head");
            }
        });
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1 + round));
        bench.commit(work).await;
        joined(waiting).await;
    }
}

pub(super) async fn the_signal_reaches_the_position_of_the_commit(bench: Bench) {
    let mut watch = bench.store().watch();
    for count in 1..5 {
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(count));
        let reached = bench.commit(work).await;
        let reached = bench.position(&reached).await.get();
        watch.above(Position::new(reached - 1)).await;
        let head = bench.head().await;
        assert_eq!(watch.head(), head, "watch: the signal must show the head of the log");
    }
}

pub(super) async fn a_late_watch_knows_what_was_committed(bench: Bench) {
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(3));
    bench.commit(work).await;
    let mut watch = bench.store().watch();
    watch.above(Position::new(2)).await;
    assert_eq!(watch.head().get(), 3, "watch: a late watch starts at the head of the log");
}

pub(super) async fn what_the_signal_shows_can_be_read(bench: Bench) {
    let mut watch = bench.store().watch();
    let mut shown = watch.head();
    assert_eq!(shown, Position::NONE, "watch: the signal of an empty log shows a commit");
    let writing = spawn({
        let bench = bench.clone();
        async move {
            for _ in 0..20 {
                let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(2));
                bench.commit(work).await;
            }
        }
    });
    while shown.get() < 40 {
        watch.above(shown).await;
        shown = watch.head();
        let log = bench.log().await.len() as u64;
        assert!(log >= shown.get(), "watch: the signal shows {shown}, readers see {log} events");
        assert!(shown.get() <= 40, "watch: the signal shows more than was written");
        tokio::task::yield_now().await;
    }
    joined(writing).await;
}
