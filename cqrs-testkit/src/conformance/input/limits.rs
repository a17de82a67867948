//! What is as large as the limit is accepted and kept, one more is refused.

use cqrs_core::message::Encoding;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, InvalidInput, NewEvent, Snapshot, StateShape,
    TableName, UnitOfWork,
};

use crate::conformance::bench::{Bench, NOW, at, stream, tag};

const ROWS: TableName = TableName::named("rows");

async fn refuse_too_large(bench: &Bench, work: UnitOfWork, what: &'static str, limit: usize) {
    let invalid = InvalidInput::TooLarge { what, limit, actual: limit + 1 };
    let why = format!("input: {what} above its limit of {limit}");
    bench.refuse(work, CommitError::Invalid(invalid), &why).await;
}

fn append(bench: &Bench, events: Vec<NewEvent>) -> UnitOfWork {
    bench.unit().append(stream("a"), ExpectedVersion::Any, events)
}

pub(in crate::conformance) async fn payloads_up_to_the_limit_are_accepted(bench: Bench) {
    let limit = bench.store().limits().payload_bytes;
    let sized = |bytes| vec![bench.event_with("t", vec![b'x'; bytes])];
    bench.commit(append(&bench, sized(limit))).await;
    refuse_too_large(&bench, append(&bench, sized(limit + 1)), "an event's payload", limit).await;
    let events = bench.stream(&stream("a")).await;
    let sizes: Vec<_> = events.iter().map(|event| event.payload().len()).collect();
    assert_eq!(sizes, [limit], "input: the largest payload must be kept whole");
}

pub(in crate::conformance) async fn metadata_up_to_the_limit_is_accepted(bench: Bench) {
    let limit = bench.store().limits().metadata_bytes;
    let sized = |bytes| vec![bench.event("t").with_details(vec![b'x'; bytes])];
    bench.commit(append(&bench, sized(limit))).await;
    refuse_too_large(&bench, append(&bench, sized(limit + 1)), "an event's metadata", limit).await;
    let events = bench.stream(&stream("a")).await;
    let sizes: Vec<_> = events.iter().map(|event| event.details().len()).collect();
    assert_eq!(sizes, [limit], "input: the largest metadata must be kept whole");
}

pub(in crate::conformance) async fn tags_up_to_the_limit_are_accepted(bench: Bench) {
    let (limit, what) = (bench.store().limits().tags, "an event's number of tags");
    let tagged = |count| {
        let tags = (0..count).map(|n| tag(&format!("n:{n}"))).collect();
        vec![bench.event("t").with_tags(tags)]
    };
    bench.commit(append(&bench, tagged(limit))).await;
    refuse_too_large(&bench, append(&bench, tagged(limit + 1)), what, limit).await;
    let counts: Vec<_> =
        bench.log().await.iter().map(|event| event.tags().iter().count()).collect();
    assert_eq!(counts, [limit], "input: the largest number of tags must be kept");
}

pub(in crate::conformance) async fn events_up_to_the_limit_are_accepted(bench: Bench) {
    let (limit, what) = (bench.store().limits().events, "a unit of work's number of events");
    bench.commit(append(&bench, bench.events(limit))).await;
    assert_eq!(bench.length(&stream("a")).await, limit, "input: the largest batch must be kept");
    let over = append(&bench, bench.events(limit));
    let over = over.append(stream("b"), ExpectedVersion::Any, bench.events(1));
    refuse_too_large(&bench, over, what, limit).await;
    assert_eq!(bench.length(&stream("b")).await, 0, "input: a refused batch left events");
}

pub(in crate::conformance) async fn units_up_to_the_limit_are_accepted(bench: Bench) {
    let limit = bench.store().limits().unit_bytes;
    let value = bytes::Bytes::from(vec![b'v'; limit]);
    bench.commit(bench.unit().put(ROWS, "k", value.slice(1..))).await;
    let row = bench.row(&ROWS, b"k").await;
    let size = row.map(|row| row.len());
    assert_eq!(size, Some(limit - 1), "input: the largest unit must be kept whole");
    refuse_too_large(&bench, bench.unit().put(ROWS, "k", value), "a unit of work", limit).await;
}

pub(in crate::conformance) async fn row_keys_up_to_the_limit_are_accepted(bench: Bench) {
    let limit = bench.store().limits().key_bytes;
    let (longest, over) = (vec![0xff; limit], vec![0xff; limit + 1]);
    bench.commit(bench.unit().put(ROWS, longest.clone(), "v")).await;
    let row = bench.row(&ROWS, &longest).await;
    assert_eq!(row.as_deref(), Some(&b"v"[..]), "input: the longest key must be kept whole");
    for work in [bench.unit().put(ROWS, over.clone(), "v"), bench.unit().delete(ROWS, over)] {
        refuse_too_large(&bench, work, "a row's key", limit).await;
    }
}

pub(in crate::conformance) async fn snapshots_up_to_the_limit_are_accepted(bench: Bench) {
    let limit = bench.store().limits().snapshot_bytes;
    let sized = |bytes, version| {
        let (shape, json) = (StateShape { version: 1, fingerprint: 1 }, Encoding::JSON);
        Snapshot::new(stream("a"), at(version), shape, json, vec![b's'; bytes].into(), NOW)
    };
    bench.commit(bench.unit().save(sized(limit, 1))).await;
    refuse_too_large(&bench, bench.unit().save(sized(limit + 1, 2)), "a snapshot", limit).await;
    let kept = bench.snapshot(&stream("a")).await;
    let kept = kept.map(|snapshot| snapshot.data().len());
    assert_eq!(kept, Some(limit), "input: the largest snapshot must be kept whole");
}

pub(in crate::conformance) async fn a_stream_that_stands_twice_is_refused(bench: Bench) {
    for (first, second) in [(1, 1), (0, 1), (1, 0), (0, 0)] {
        let work = append(&bench, bench.events(first))
            .append(stream("b"), ExpectedVersion::Any, bench.events(1))
            .append(stream("a"), ExpectedVersion::Any, bench.events(second));
        let invalid = InvalidInput::StreamTwice { stream: stream("a") };
        let why = "input: a stream that stands twice in one unit";
        bench.refuse(work, CommitError::Invalid(invalid), why).await;
    }
    assert_eq!(bench.length(&stream("b")).await, 0, "input: a refused unit left events");
}
