//! Bytes and numbers that formats, drivers and column types change.

use cqrs_core::Timestamp;
use cqrs_core::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion};
use cqrs_core::store::{ExpectedVersion, NewEvent, TableName};

use crate::conformance::bench::{Bench, NOW, stream};
use crate::conformance::uuid_of;

/// Bytes by their class.
const BYTES: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a null byte", b"\0"),
    ("null bytes within text", b"a\0b\0"),
    ("a byte that is no UTF-8", b"\xff"),
    ("an overlong null character", b"\xc0\x80"),
    ("a lone surrogate", b"\xed\xa0\x80"),
    ("UTF-8 cut in the middle", b"caf\xc3"),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("line ends of two kinds", b"a\r\nb\nc\r"),
    ("spaces around", b"  {}  \n"),
    ("keys out of order", b"{\"b\":1,\"a\":2}"),
    ("one key twice", b"{\"a\":1,\"a\":2}"),
    ("an escaped null character", b"{\"a\":\"\\u0000\"}"),
    ("a number with many digits", b"{\"a\":0.1000000000000000055511151231257827}"),
    ("a number beyond doubles", b"{\"a\":1e400}"),
    ("a number beyond 53 bits", b"{\"a\":9007199254740993}"),
    ("a number beyond 64 bits", b"{\"a\":18446744073709551616}"),
    ("no number", b"NaN"),
    ("negative zero", b"-0.0"),
    ("escapes that need none", b"\"\\u0061\\/\""),
    ("hexadecimal of a driver", b"\\x00ff"),
    ("no JSON at all", b"{"),
    ("a quote", b"'; --"),
];

fn classes() -> Vec<(&'static str, Vec<u8>)> {
    let mut classes: Vec<_> = BYTES.iter().map(|(class, bytes)| (*class, bytes.to_vec())).collect();
    classes.push(("every byte", (0..=255).collect()));
    classes.push(("128 levels of nesting", [vec![b'['; 128], vec![b']'; 128]].concat()));
    classes
}

pub(in crate::conformance) async fn payloads_are_kept_byte_for_byte(bench: Bench) {
    let events: Vec<_> =
        classes().into_iter().map(|(_, bytes)| bench.event_with("t", bytes)).collect();
    for one in events {
        bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, vec![one])).await;
    }
    for events in [bench.stream(&stream("a")).await, bench.log().await] {
        assert_eq!(events.len(), classes().len(), "input: a payload was lost");
        for ((class, bytes), kept) in classes().iter().zip(events) {
            assert_eq!(kept.payload(), bytes, "input: a payload with {class} has changed");
        }
    }
}

pub(in crate::conformance) async fn metadata_is_kept_byte_for_byte(bench: Bench) {
    let event = |bytes: Vec<u8>| bench.event("t").with_details(bytes);
    let events: Vec<_> = classes().into_iter().map(|(_, bytes)| event(bytes)).collect();
    for one in events {
        bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, vec![one])).await;
    }
    for ((class, bytes), kept) in classes().iter().zip(bench.log().await) {
        assert_eq!(kept.details(), bytes, "input: metadata with {class} has changed");
    }
}

pub(in crate::conformance) async fn rows_are_kept_byte_for_byte(bench: Bench) {
    let rows = TableName::named("rows");
    let all = classes().into_iter();
    let work =
        all.fold(bench.unit(), |work, (_, bytes)| work.put(rows.clone(), bytes.clone(), bytes));
    bench.commit(work).await;
    for (class, bytes) in classes() {
        let row = bench.row(&rows, &bytes).await;
        assert_eq!(row.as_deref(), Some(&bytes[..]), "input: a row with {class} has changed");
    }
}

pub(in crate::conformance) async fn ids_times_and_versions_are_kept_at_their_extremes(
    bench: Bench,
) {
    let ids = [0, 1, u128::MAX, 1 << 127, 0x0192_0000_0000_7000_8000_0000_0000_0000];
    let times = [Timestamp::EPOCH, Timestamp::MIN, Timestamp::MAX, Timestamp::from_micros(-1), NOW];
    let schemas = [1, 2, i32::MAX as u32, i32::MAX as u32 + 1, u32::MAX].map(SchemaVersion::new);
    let mut given = Vec::new();
    for ((id, time), schema) in ids.map(uuid_of).into_iter().zip(times).zip(schemas) {
        let event = NewEvent::new(EventId::from_uuid(id), "t", schema, Encoding::JSON, "{}", time);
        let causation = Some(CausationId::from_uuid(id));
        given.push(event.caused_by(CorrelationId::from_uuid(id), causation));
    }
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, given.clone())).await;
    for (kept, given) in bench.log().await.iter().zip(&given) {
        assert_eq!(kept.id(), given.id(), "input: an event's id has changed");
        assert_eq!(kept.occurred_at(), given.occurred_at(), "input: a time has changed");
        assert_eq!(kept.schema_version(), given.schema_version(), "input: a version has changed");
        assert_eq!(kept.correlation_id(), given.correlation_id(), "input: a correlation changed");
        assert_eq!(kept.causation_id(), given.causation_id(), "input: a causation has changed");
    }
}

pub(in crate::conformance) async fn recorded_times_are_kept_at_their_extremes(bench: Bench) {
    let times = [Timestamp::MIN, Timestamp::from_micros(-1), Timestamp::EPOCH, NOW, Timestamp::MAX];
    for now in times {
        let work = bench.unit_at(now).append(stream("a"), ExpectedVersion::Any, bench.events(1));
        let recorded = bench.commit(work).await.recorded_at();
        assert_eq!(recorded, now, "input: a recorded time has changed");
    }
    let kept: Vec<_> = bench.log().await.iter().map(|event| event.recorded_at()).collect();
    assert_eq!(kept, times, "input: a recorded time has changed");
}
