//! A unit's events are written whole, in order, and the receipt says where.

use cqrs_core::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion};
use cqrs_core::store::{
    CommitError, CommitToken, EventStore, ExpectedVersion, LogId, NewEvent, ReadError, ReadRequest,
    StreamVersion,
};
use cqrs_core::{Timestamp, store::Tags};

use super::bench::{Bench, NOW, at, stream, stream_of, tag};
use super::uuid_of;

pub(super) async fn a_batch_over_several_streams_is_written_whole(bench: Bench) {
    let streams = [stream("a"), stream_of("order", "a"), stream("c")];
    let mut work = bench.unit();
    for (count, one) in (1..).zip(&streams) {
        work = work.append(one.clone(), ExpectedVersion::NoStream, bench.events(count));
    }

    bench.commit(work).await;

    for (count, one) in (1..).zip(&streams) {
        assert_eq!(bench.length(one).await, count, "append: {one} must have all its events");
    }
    assert_eq!(bench.head().await.get(), 6, "append: the log must have the events of all streams");
}

pub(super) async fn a_batch_with_one_stale_stream_writes_nothing(bench: Bench) {
    let streams = [stream("a"), stream("b"), stream("c")];
    for stale in 0..streams.len() {
        let mut work = bench.unit();
        for (n, one) in streams.iter().enumerate() {
            let exact = ExpectedVersion::Exact(at(9));
            let expected = if n == stale { exact } else { ExpectedVersion::Any };
            work = work.append(one.clone(), expected, bench.events(2));
        }
        let conflict = CommitError::Conflict {
            stream: streams[stale].clone(),
            expected: ExpectedVersion::Exact(at(9)),
            actual: StreamVersion::NONE,
        };
        bench.refuse(work, conflict, "append: one stale stream of three").await;
        for one in &streams {
            let length = bench.length(one).await;
            assert_eq!(length, 0, "append: a refused batch left events in {one}");
        }
    }
}

pub(super) async fn events_stand_in_the_order_of_the_unit(bench: Bench) {
    let (first, second) = (bench.events(3), bench.events(2));
    let given: Vec<_> = first.iter().chain(&second).map(|event| event.payload().to_vec()).collect();
    let work = bench.unit().append(stream("b"), ExpectedVersion::Any, first).append(
        stream("a"),
        ExpectedVersion::Any,
        second,
    );

    bench.commit(work).await;

    let kept: Vec<_> = bench.log().await.iter().map(|event| event.payload().to_vec()).collect();
    assert_eq!(kept, given, "append: events must stand in the order in which the unit holds them");
}

pub(super) async fn every_field_of_an_event_is_kept(bench: Bench) {
    let event = NewEvent::new(
        EventId::from_uuid(uuid_of(1)),
        "account.opened",
        SchemaVersion::new(u32::MAX),
        Encoding::named("own-format"),
        &b"\x00payload"[..],
        Timestamp::from_micros(-1),
    )
    .caused_by(CorrelationId::from_uuid(uuid_of(2)), Some(CausationId::from_uuid(uuid_of(3))))
    .with_details(&b"{\"actor\":\"x\"}"[..])
    .with_tags([tag("b:2"), tag("a:1"), tag("b:2")].into_iter().collect::<Tags>());
    let bare = bench.event("account.closed");
    let given = vec![event, bare];

    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, given.clone())).await;

    let sources =
        [ReadRequest::stream(stream("a")), ReadRequest::category("account"), ReadRequest::all()];
    for request in sources {
        for (n, kept) in bench.read(request).await.events().enumerate() {
            let place = cqrs_core::store::Position::new(n as u64 + 1);
            let version = at(n as u64 + 1);
            let expected = cqrs_core::store::RecordedEvent::new(
                given[n].clone(),
                place,
                stream("a"),
                version,
                NOW,
            );
            assert_eq!(kept, expected, "append: an event must come back as it was given");
            assert_eq!(
                kept.tags().as_lines(),
                expected.tags().as_lines(),
                "append: tags keep their order"
            );
        }
    }
}

pub(super) async fn the_receipt_names_each_stream_with_its_new_version(bench: Bench) {
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(2))).await;
    let work = bench
        .unit()
        .append(stream("b"), ExpectedVersion::Any, bench.events(1))
        .append(stream("checked"), ExpectedVersion::NoStream, Vec::new())
        .append(stream("a"), ExpectedVersion::Any, bench.events(3));
    let operation = work.operation().id();

    let commit = bench.commit(work).await;

    let expected = [(stream("b"), at(1)), (stream("a"), at(5))];
    assert_eq!(commit.streams(), expected, "append: the receipt must name what was appended to");
    assert_eq!(commit.operation(), operation, "append: the receipt must name the unit's operation");
    assert!(!commit.is_repeated(), "append: a first commit must not be called repeated");
}

pub(super) async fn the_token_leads_to_the_position_of_the_last_event(bench: Bench) {
    let mut commits = Vec::new();
    for count in 1..4 {
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(count));
        commits.push(bench.commit(work).await);
    }
    for (commit, reached) in commits.iter().zip([1, 3, 6]) {
        let position = bench.position(commit).await.get();
        assert_eq!(position, reached, "append: a token must lead to the unit's last position");
        let log = bench.log_id().await;
        assert_eq!(commit.token().log(), log, "append: a token must name its log");
    }
}

pub(super) async fn a_token_of_another_log_is_refused(bench: Bench) {
    let foreign = LogId::from_uuid(uuid_of(99));
    let answer = bench.store().position_of(&CommitToken::new(foreign, 1)).await;
    let refused = matches!(answer, Err(ReadError::OtherLog { cursor, .. }) if cursor == foreign);
    assert!(refused, "append: a token of another log must be refused, the answer was {answer:?}");
}

pub(super) async fn recorded_time_never_goes_back(bench: Bench) {
    let later = |micros: i64| Timestamp::from_micros(NOW.as_micros() + micros);
    let clock = [0, 50, -1_000_000, 49, 51];
    let expected = [0, 50, 50, 50, 51].map(later);
    for (micros, expected) in clock.into_iter().zip(expected) {
        let work = bench.unit_at(later(micros));
        let work = work.append(stream("a"), ExpectedVersion::Any, bench.events(1));
        let receipt = bench.commit(work).await.recorded_at();
        assert_eq!(receipt, expected, "append: the recorded time is the caller's or a later one");
    }
    let kept: Vec<_> = bench.log().await.iter().map(|event| event.recorded_at()).collect();
    assert_eq!(kept, expected, "append: events must carry the recorded time of their commit");
}

pub(super) async fn a_unit_without_content_commits_and_writes_no_event(bench: Bench) {
    let commit = bench.commit(bench.unit()).await;
    assert_eq!(commit.streams(), [], "append: an empty unit appends to no stream");
    assert_eq!(bench.head().await.get(), 0, "append: an empty unit must not grow the log");
}

pub(super) async fn each_log_has_an_id_of_its_own(bench: Bench) {
    let another = bench.another().await;
    assert_eq!(bench.log_id().await, bench.log_id().await, "append: a log keeps its id");
    assert_ne!(bench.log_id().await, another.log_id().await, "append: two logs share an id");
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1))).await;
    assert_eq!(another.length(&stream("a")).await, 0, "append: two logs share their events");
}
