//! One operation takes effect once, and its outcome can be asked for.

use bytes::Bytes;
use cqrs_core::store::{
    Commit, CommitError, EventStore, ExpectedVersion, Lineage, NewEvent, Operation, TableName,
    UnitOfWork,
};
use cqrs_core::{OperationId, store::StreamVersion};

use super::bench::{Bench, NOW, stream};

/// A unit of a given operation that appends one payload to stream `a`.
fn append(bench: &Bench, id: OperationId, payload: &str) -> UnitOfWork {
    let events = vec![bench.event_with("deposited", payload.into())];
    UnitOfWork::new(Operation::given(id), NOW).append(stream("a"), ExpectedVersion::Any, events)
}

async fn same_outcome(bench: &Bench, first: &Commit, later: &Commit, what: &str) {
    assert_eq!(later.operation(), first.operation(), "operations: {what}: another operation");
    assert_eq!(later.streams(), first.streams(), "operations: {what}: other streams");
    assert_eq!(later.recorded_at(), first.recorded_at(), "operations: {what}: another time");
    let positions = (bench.position(first).await, bench.position(later).await);
    assert_eq!(positions.0, positions.1, "operations: {what}: the token leads elsewhere");
}

pub(super) async fn a_repeated_operation_returns_the_first_outcome(bench: Bench) {
    let id = bench.operation_id();
    let work = append(&bench, id, "1").append(stream("b"), ExpectedVersion::NoStream, Vec::new());
    let work = work.append(stream("c"), ExpectedVersion::Any, bench.events(2));
    let first = bench.commit(work.clone()).await;
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(3))).await;

    for _ in 0..3 {
        let again = bench.commit(work.clone()).await;
        assert!(again.is_repeated(), "operations: a repeated operation must be marked as repeated");
        same_outcome(&bench, &first, &again, "a repeated operation").await;
        let fingerprint = (again.fingerprint(), work.fingerprint());
        assert_eq!(fingerprint.0, fingerprint.1, "operations: a repeated operation's fingerprint");
    }
    assert_eq!(bench.head().await.get(), 6, "operations: a repeated operation wrote again");
}

pub(super) async fn a_repeated_operation_is_known_before_its_conditions_are_looked_at(
    bench: Bench,
) {
    let id = bench.operation_id();
    let events = bench.events(1);
    let work = UnitOfWork::new(Operation::given(id), NOW)
        .append(stream("a"), ExpectedVersion::NoStream, events)
        .unless_matched(cqrs_core::store::EventQuery::all(), cqrs_core::store::Position::NONE);
    bench.commit(work.clone()).await;
    let answer = bench.store().commit(work).await;
    let repeated = answer.as_ref().is_ok_and(Commit::is_repeated);
    assert!(repeated, "operations: its own first commit must not refuse a repeat: {answer:?}");
}

pub(super) async fn a_repeated_operation_may_have_new_ids_and_times(bench: Bench) {
    let id = bench.operation_id();
    bench.commit(append(&bench, id, "1")).await;
    let again = bench.commit(append(&bench, id, "1")).await;
    assert!(again.is_repeated(), "operations: event ids are no part of the content");
    assert_eq!(bench.length(&stream("a")).await, 1, "operations: the repeat wrote again");
}

pub(super) async fn an_operation_with_other_content_is_refused(bench: Bench) {
    let id = bench.operation_id();
    bench.commit(append(&bench, id, "1")).await;
    let reused = || CommitError::OperationReused { operation: id };
    let other_stream = UnitOfWork::new(Operation::given(id), NOW).append(
        stream("b"),
        ExpectedVersion::Any,
        vec![bench.event_with("deposited", b"1".to_vec())],
    );
    let other_type = UnitOfWork::new(Operation::given(id), NOW).append(
        stream("a"),
        ExpectedVersion::Any,
        vec![bench.event_with("withdrawn", b"1".to_vec())],
    );
    let more = append(&bench, id, "1").append(stream("b"), ExpectedVersion::Any, bench.events(1));
    let other_payload = append(&bench, id, "2");
    for work in [other_stream, other_type, other_payload, more] {
        bench.refuse(work, reused(), "operations: an id with other content").await;
    }
    assert_eq!(bench.length(&stream("b")).await, 0, "operations: a refused unit left events");
}

pub(super) async fn a_given_fingerprint_stands_for_the_content(bench: Bench) {
    let id = bench.operation_id();
    let unit = |fingerprint, payload: &str| {
        let events: Vec<NewEvent> = vec![bench.event_with("deposited", payload.into())];
        UnitOfWork::new(Operation::given(id).with_fingerprint(fingerprint), NOW).append(
            stream("a"),
            ExpectedVersion::Any,
            events,
        )
    };
    let first = bench.commit(unit(u128::MAX, "1")).await;
    let again = bench.commit(unit(u128::MAX, "2")).await;
    assert!(again.is_repeated(), "operations: an equal given fingerprint means a repeat");
    same_outcome(&bench, &first, &again, "a repeat by fingerprint").await;
    let reused = CommitError::OperationReused { operation: id };
    bench.refuse(unit(0, "1"), reused, "operations: another given fingerprint").await;
    let kept = bench.resolve(id).await.map(|commit| commit.fingerprint());
    assert_eq!(kept, Some(u128::MAX), "operations: all 128 bits of a fingerprint are kept");
}

pub(super) async fn a_committed_operation_resolves_to_its_outcome(bench: Bench) {
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(2));
    let fresh = bench.commit(work.clone()).await;
    let given = bench.commit(append(&bench, bench.operation_id(), "1")).await;
    for commit in [&fresh, &given] {
        let found = bench.resolve(commit.operation()).await;
        let found = found.expect("operations: a committed operation must resolve to its outcome");
        same_outcome(&bench, commit, &found, "a resolved operation").await;
    }
    let found = bench.resolve(fresh.operation()).await.map(|commit| commit.fingerprint());
    assert_eq!(found, Some(work.fingerprint()), "operations: the content's fingerprint is kept");
}

pub(super) async fn an_operation_that_never_committed_resolves_to_none(bench: Bench) {
    let unknown = bench.resolve(bench.operation_id()).await;
    assert_eq!(unknown, None, "operations: an operation that never was must resolve to none");
    let failed = append(&bench, bench.operation_id(), "1").append(
        stream("b"),
        ExpectedVersion::Exists,
        Vec::new(),
    );
    let id = failed.operation().id();
    let answer = bench.store().commit(failed).await;
    assert!(answer.is_err(), "operations: stream b does not exist: {answer:?}");
    let refused = bench.resolve(id).await;
    assert_eq!(refused, None, "operations: a refused unit must not be recorded");

    let answer = bench.commit(append(&bench, id, "2")).await;
    assert!(!answer.is_repeated(), "operations: a refused operation may be tried with new content");
}

pub(super) async fn the_reply_is_kept_with_the_operation(bench: Bench) {
    let id = bench.operation_id();
    let reply = Bytes::from_static(b"\x00\xffanswer");
    let work = append(&bench, id, "1").with_reply(reply.clone());
    bench.commit(work.clone()).await;
    let again = bench.commit(work).await;
    assert_eq!(again.reply(), &reply, "operations: a repeat must return the recorded reply");
    let other = append(&bench, id, "1").with_reply(Bytes::from_static(b"other"));
    let again = bench.commit(other).await;
    assert_eq!(again.reply(), &reply, "operations: the first reply stands, not a later one");
    let found = bench.resolve(id).await.map(|commit| commit.reply().clone());
    assert_eq!(found, Some(reply), "operations: resolve must return the recorded reply");
}

pub(super) async fn a_given_operation_without_events_is_recorded(bench: Bench) {
    let id = bench.operation_id();
    let work = || {
        let check = UnitOfWork::new(Operation::given(id), NOW).with_reply(Bytes::from_static(b"0"));
        check.append(stream("a"), ExpectedVersion::NoStream, Vec::new())
    };
    let first = bench.commit(work()).await;
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1))).await;

    let again = bench.commit(work()).await;

    assert!(again.is_repeated(), "operations: a decision without events must be recorded too");
    same_outcome(&bench, &first, &again, "an operation without events").await;
    assert_eq!(again.reply().as_ref(), b"0", "operations: its reply must be kept");
    let found = bench.resolve(id).await;
    assert!(found.is_some(), "operations: an operation without events must be resolvable");
}

pub(super) async fn a_repeated_operation_writes_no_rows_again(bench: Bench) {
    let (id, rows) = (bench.operation_id(), TableName::named("rows"));
    let work = || append(&bench, id, "1").put(rows.clone(), "k", "first");
    bench.commit(work()).await;
    bench.commit(bench.unit().put(rows.clone(), "k", "second")).await;
    bench.commit(work()).await;
    let row = bench.row(&rows, b"k").await;
    assert_eq!(row.as_deref(), Some(&b"second"[..]), "operations: the repeat wrote its rows again");
}

pub(super) async fn a_repeat_breaks_no_lineage(bench: Bench) {
    let (id, lineage) = (bench.operation_id(), Lineage::new());
    bench.commit(append(&bench, id, "1")).await;
    bench.commit(append(&bench, id, "1").in_lineage(lineage.clone())).await;
    let next = bench.unit().in_lineage(lineage.clone());
    let version = ExpectedVersion::Exact(StreamVersion::new(1));
    bench.commit(next.append(stream("a"), version, bench.events(1))).await;
    assert!(!lineage.is_broken(), "operations: a repeated operation has not failed");
}

pub(super) async fn recorded_operations_are_listed_in_the_order_of_the_log(bench: Bench) {
    let mut expected = Vec::new();
    for events in [1, 3, 2, 1, 2] {
        let first = bench.head().await.next();
        let id = bench.operation_id();
        let reply = Bytes::from(vec![events; usize::from(events) - 1]);
        let one = bench.events(1);
        let rest = bench.events(usize::from(events) - 1);
        let work = UnitOfWork::new(Operation::given(id), NOW)
            .append(stream("a"), ExpectedVersion::Any, one)
            .append(stream("b"), ExpectedVersion::Any, rest)
            .with_reply(reply.clone());
        expected.push((id, first, u64::from(events), work.fingerprint(), reply));
        bench.commit(work).await;
    }
    // One without events is recorded and not listed, a fresh one is.
    bench.commit(UnitOfWork::new(Operation::given(bench.operation_id()), NOW)).await;
    let fresh = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1));
    let head = bench.head().await.next();
    expected.push((fresh.operation().id(), head, 1, fresh.fingerprint(), Bytes::new()));
    bench.commit(fresh).await;

    let listed = async |after: u64, limit: usize| {
        let after = cqrs_core::store::Position::new(after);
        let found = bench.store().operations(after, limit).await.expect("it lists operations");
        let parts = found
            .into_iter()
            .map(|one| (one.id, one.first, one.events, one.fingerprint, one.reply));
        parts.collect::<Vec<_>>()
    };
    assert_eq!(listed(0, 100).await, expected, "operations: all of them, in order");
    assert_eq!(listed(1, 2).await, expected[1..3], "operations: two behind position 1");
    assert_eq!(listed(3, 100).await, expected[2..], "operations: none that begins before it");
    assert_eq!(listed(u64::MAX >> 1, 9).await, [], "operations: none behind the end");
}
