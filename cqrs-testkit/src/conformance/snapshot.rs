//! The latest snapshot of a stream.

use cqrs_core::Timestamp;
use cqrs_core::message::Encoding;
use cqrs_core::store::{
    CommitError, ExpectedVersion, Snapshot, StateShape, StreamId, StreamVersion,
};

use super::bench::{Bench, NOW, at, stream, tenants_stream};

const SHAPE: StateShape = StateShape { version: 1, fingerprint: 7 };

fn taken(key: &StreamId, version: u64, shape: StateShape, data: &'static str) -> Snapshot {
    Snapshot::new(key.clone(), at(version), shape, Encoding::JSON, data.into(), NOW)
}

async fn save(bench: &Bench, snapshot: Snapshot) {
    bench.commit(bench.unit().save(snapshot)).await;
}

pub(super) async fn a_stream_without_snapshot_has_none(bench: Bench) {
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1))).await;
    assert_eq!(bench.snapshot(&stream("a")).await, None, "snapshot: none was saved");
}

pub(super) async fn the_latest_of_three_is_returned(bench: Bench) {
    let key = stream("a");
    for (version, data) in [(2, "two"), (5, "five"), (9, "nine")] {
        save(&bench, taken(&key, version, SHAPE, data)).await;
        let latest = bench.snapshot(&key).await;
        let saved = Some(taken(&key, version, SHAPE, data));
        assert_eq!(latest, saved, "snapshot: the latest must be returned");
    }
}

pub(super) async fn every_field_is_kept(bench: Bench) {
    let shapes = [
        StateShape { version: u32::MAX, fingerprint: u64::MAX },
        StateShape { version: 0, fingerprint: 0 },
        StateShape { version: 1 << 31, fingerprint: 1 << 63 },
    ];
    let times = [Timestamp::MAX, Timestamp::MIN, Timestamp::EPOCH];
    for (n, (shape, taken_at)) in shapes.into_iter().zip(times).enumerate() {
        let key = tenants_stream("north", "account", &format!("{n}"));
        let data = bytes::Bytes::from_static(b"\x00\xff\xfenot text\x00");
        let version = if n == 0 { StreamVersion::MAX } else { at(3) };
        let given =
            Snapshot::new(key.clone(), version, shape, Encoding::named("own"), data, taken_at);
        save(&bench, given.clone()).await;
        assert_eq!(bench.snapshot(&key).await, Some(given), "snapshot: every field must be kept");
    }
    let key = stream("empty");
    save(&bench, taken(&key, 1, SHAPE, "")).await;
    let kept = bench.snapshot(&key).await;
    assert_eq!(kept, Some(taken(&key, 1, SHAPE, "")), "snapshot: an empty state is a state");
}

pub(super) async fn an_older_one_does_not_replace_a_newer_one(bench: Bench) {
    let key = stream("a");
    save(&bench, taken(&key, 5, SHAPE, "five")).await;
    save(&bench, taken(&key, 4, SHAPE, "four")).await;
    let kept = bench.snapshot(&key).await.map(|snapshot| snapshot.version());
    assert_eq!(kept, Some(at(5)), "snapshot: an older one replaced a newer one");
}

pub(super) async fn one_of_another_shape_replaces_even_a_newer_one(bench: Bench) {
    let key = stream("a");
    let others =
        [StateShape { version: 2, fingerprint: 7 }, StateShape { version: 2, fingerprint: 8 }];
    save(&bench, taken(&key, 9, SHAPE, "old shape")).await;
    for (shape, version) in others.into_iter().zip([4, 2]) {
        save(&bench, taken(&key, version, shape, "new shape")).await;
        let kept = bench.snapshot(&key).await;
        let saved = Some(taken(&key, version, shape, "new shape"));
        assert_eq!(kept, saved, "snapshot: another shape must replace, whatever its version");
    }
}

pub(super) async fn streams_keep_their_own(bench: Bench) {
    let keys = [
        stream("a"),
        stream("A"),
        tenants_stream("t", "account", "a"),
        tenants_stream("", "b", "a"),
    ];
    for (key, data) in keys.iter().zip(["1", "2", "3", "4"]) {
        save(&bench, taken(key, 1, SHAPE, data)).await;
    }
    for (key, data) in keys.iter().zip(["1", "2", "3", "4"]) {
        let kept = bench.snapshot(key).await;
        let saved = Some(taken(key, 1, SHAPE, data));
        assert_eq!(kept, saved, "snapshot: {key} has the snapshot of another stream");
    }
}

pub(super) async fn one_is_saved_only_with_its_unit(bench: Bench) {
    let key = stream("a");
    let unit = |expected| {
        let work = bench.unit().append(key.clone(), expected, bench.events(2));
        work.save(taken(&key, 2, SHAPE, "two"))
    };
    let (stream, expected, actual) = (key.clone(), ExpectedVersion::Exists, StreamVersion::NONE);
    let conflict = CommitError::Conflict { stream, expected, actual };
    bench.refuse(unit(expected), conflict, "snapshot: with a stale version").await;
    assert_eq!(bench.snapshot(&key).await, None, "snapshot: a refused unit saved one");

    bench.commit(unit(ExpectedVersion::NoStream)).await;
    let kept = bench.snapshot(&key).await;
    assert!(kept.is_some(), "snapshot: one must be saved with the events of its unit");
}
