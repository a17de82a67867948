//! What a stream's expected version admits, and how places are counted.

use cqrs_core::store::ExpectedVersion::{Any, Exact, Exists, NoStream};
use cqrs_core::store::{CommitError, ExpectedVersion, StreamVersion};

use super::bench::{Bench, at, stream};

/// Tries a version on streams with 0 to 3 events: with events and as a check.
async fn admits(bench: &Bench, expected: ExpectedVersion, lengths: &[u64]) {
    for length in 0..4_u64 {
        for events in [0, 1] {
            let key = stream(&format!("{expected:?}-{length}-{events}"));
            let before = bench.events(length as usize);
            bench.commit(bench.unit().append(key.clone(), Any, before)).await;
            let appended = bench.events(events);
            let work = bench.unit().append(key.clone(), expected, appended);
            if lengths.contains(&length) {
                bench.commit(work).await;
                let grown = length as usize + events;
                assert_eq!(bench.length(&key).await, grown, "versions: {expected} must append");
            } else {
                let (stream, actual) = (key.clone(), at(length));
                let conflict = CommitError::Conflict { stream, expected, actual };
                let why = format!("versions: {expected} on a stream at {length}");
                bench.refuse(work, conflict, &why).await;
                assert_eq!(bench.length(&key).await as u64, length, "{why}: it must stay");
            }
        }
    }
}

pub(super) async fn any_version_admits_every_stream(bench: Bench) {
    admits(&bench, Any, &[0, 1, 2, 3]).await;
}

pub(super) async fn no_stream_admits_only_a_stream_without_events(bench: Bench) {
    admits(&bench, NoStream, &[0]).await;
}

pub(super) async fn exists_admits_only_a_stream_with_events(bench: Bench) {
    admits(&bench, Exists, &[1, 2, 3]).await;
}

pub(super) async fn an_exact_version_admits_only_that_one(bench: Bench) {
    admits(&bench, Exact(at(2)), &[2]).await;
}

pub(super) async fn the_exact_version_none_admits_only_a_stream_without_events(bench: Bench) {
    admits(&bench, Exact(StreamVersion::NONE), &[0]).await;
}

pub(super) async fn the_largest_version_admits_no_stream(bench: Bench) {
    let expected = Exact(StreamVersion::MAX);
    admits(&bench, expected, &[]).await;
    bench.commit(bench.unit().append(stream("old"), Any, bench.events(2))).await;
    let bench = bench.unacquainted().await;
    for (key, length) in [("old", 2), ("new", 0)] {
        let (stream, actual) = (stream(key), at(length));
        let work = bench.unit().append(stream.clone(), expected, bench.events(1));
        let conflict = CommitError::Conflict { stream, expected, actual };
        let why = "versions: the largest version, before anything is known of the stream";
        bench.refuse(work, conflict, why).await;
    }
}

pub(super) async fn a_stream_that_is_only_checked_can_refuse_the_others(bench: Bench) {
    let (checked, written) = (stream("checked"), stream("written"));
    let work = |expected| {
        let work = bench.unit().append(written.clone(), Any, bench.events(1));
        work.append(checked.clone(), expected, Vec::new())
    };
    let conflict = CommitError::Conflict {
        stream: checked.clone(),
        expected: Exists,
        actual: StreamVersion::NONE,
    };
    bench.refuse(work(Exists), conflict, "versions: a check of an empty stream").await;
    assert_eq!(bench.length(&written).await, 0, "versions: a failed check must stop the unit");

    bench.commit(work(NoStream)).await;
    let lengths = [bench.length(&written).await, bench.length(&checked).await];
    assert_eq!(lengths, [1, 0], "versions: a check writes nothing, the unit does");
}

pub(super) async fn versions_and_positions_count_without_gaps(bench: Bench) {
    for round in 0..5 {
        for key in ["a", "b", "c"] {
            let work = bench.unit().append(stream(key), Any, bench.events(1 + round % 3));
            bench.commit(work).await;
        }
    }
    for key in ["a", "b", "c"] {
        assert_eq!(bench.length(&stream(key)).await, 9, "versions: a stream lost events");
    }
    let log = bench.log().await;
    let positions: Vec<u64> = log.iter().map(|event| event.position().get()).collect();
    assert_eq!(positions, (1..=27).collect::<Vec<_>>(), "versions: positions count from 1");
    assert_eq!(bench.head().await.get(), 27, "versions: the head is the newest position");
}

pub(super) async fn positions_agree_with_the_order_of_every_stream(bench: Bench) {
    for key in ["a", "b", "a", "c", "b", "a"] {
        let work = bench.unit().append(stream(key), Any, bench.events(2));
        bench.commit(work.append(stream("all"), Any, bench.events(1))).await;
    }
    let log = bench.log().await;
    for key in ["a", "b", "c", "all"] {
        let of_stream = bench.stream(&stream(key)).await;
        let in_log: Vec<_> =
            log.iter().filter(|event| *event.stream() == stream(key)).cloned().collect();
        assert_eq!(in_log, of_stream, "versions: log and stream {key} disagree");
    }
}

pub(super) async fn a_refused_unit_uses_up_no_version_and_no_position(bench: Bench) {
    for round in 0..4_u64 {
        let commit = bench.unit().append(stream("a"), Exact(at(round)), bench.events(1));
        bench.commit(commit).await;
        let (stream, expected, actual) = (stream("a"), NoStream, at(round + 1));
        let work = bench.unit().append(stream.clone(), NoStream, bench.events(1));
        let conflict = CommitError::Conflict { stream, expected, actual };
        bench.refuse(work, conflict, "versions: a stream with events").await;
    }
    let positions: Vec<u64> = bench.log().await.iter().map(|e| e.position().get()).collect();
    assert_eq!(positions, [1, 2, 3, 4], "versions: refused units must leave no gap");
    assert_eq!(bench.length(&stream("a")).await, 4, "versions: refused units left events");
}
