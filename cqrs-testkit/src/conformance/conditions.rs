//! Guards: a unit commits only if no matching event stands after a position.

use cqrs_core::store::{
    CommitError, EventQuery, EventStore, ExpectedVersion, Position, QueryItem, TableName,
    UnitOfWork,
};

use super::bench::{Bench, stream, stream_of, tag};

/// Writes `opened` with `a:1` at 1, `closed` with `a:1` and `b:1` at 2,
/// `opened` without tag at 3, `moved` with `a:10` at 4.
async fn four_events(bench: &Bench) {
    let events = [
        ("opened", vec!["a:1"]),
        ("closed", vec!["a:1", "b:1"]),
        ("opened", vec![]),
        ("moved", vec!["a:10"]),
    ];
    for (n, (event_type, tags)) in events.into_iter().enumerate() {
        let tags = tags.into_iter().map(tag).collect();
        let event = bench.event(event_type).with_tags(tags);
        let key = if n % 2 == 0 { stream("a") } else { stream_of("order", "b") };
        bench.commit(bench.unit().append(key, ExpectedVersion::Any, vec![event])).await;
    }
}

fn guarded(bench: &Bench, query: &EventQuery, after: u64) -> UnitOfWork {
    let work = bench.unit().append(stream("new"), ExpectedVersion::Any, bench.events(1));
    work.unless_matched(query.clone(), Position::new(after))
}

/// The guard must hit at `hit` while read below it, and never from there on.
async fn hits_last_at(bench: &Bench, query: EventQuery, hit: u64, what: &str) {
    let read_to = Position::new(hit - 1);
    let conflict = CommitError::QueryConflict { at: Position::new(hit), read_to };
    let why = format!("conditions: a guard {what}, read up to {read_to}");
    bench.refuse(guarded(bench, &query, hit - 1), conflict, &why).await;
    let length = bench.length(&stream("new")).await;
    assert_eq!(length, 0, "{why}: a refused unit left events");
    for after in [hit, bench.head().await.get(), Position::MAX.get()] {
        let answer = bench.store().commit(guarded(bench, &query, after)).await;
        let why = format!("conditions: a guard {what}, read up to {after}, must let pass");
        assert!(answer.is_ok(), "{why}: {answer:?}");
    }
}

/// Never hit, from wherever it was read.
async fn never_hits(bench: &Bench, query: EventQuery, what: &str) {
    for after in 0..5 {
        let answer = bench.store().commit(guarded(bench, &query, after)).await;
        assert!(answer.is_ok(), "conditions: a guard {what} must let pass: {answer:?}");
    }
}

pub(super) async fn a_guard_by_type_sees_events_of_that_type(bench: Bench) {
    four_events(&bench).await;
    hits_last_at(&bench, EventQuery::types(["closed"]), 2, "by one type").await;
}

pub(super) async fn a_guard_by_several_types_sees_each_of_them(bench: Bench) {
    four_events(&bench).await;
    hits_last_at(&bench, EventQuery::types(["absent", "moved"]), 4, "by two types").await;
}

pub(super) async fn a_guard_by_tag_sees_events_of_all_streams(bench: Bench) {
    four_events(&bench).await;
    hits_last_at(&bench, EventQuery::tag(tag("a:1")), 2, "by tag").await;
}

pub(super) async fn a_guard_by_type_and_tag_needs_both(bench: Bench) {
    four_events(&bench).await;
    let item = QueryItem::types(["opened"]).tag(tag("a:1"));
    hits_last_at(&bench, EventQuery::all().or(item), 1, "by type and tag").await;
}

pub(super) async fn a_guard_by_two_tags_needs_both(bench: Bench) {
    four_events(&bench).await;
    let item = QueryItem::default().tag(tag("b:1")).tag(tag("a:1"));
    hits_last_at(&bench, EventQuery::all().or(item), 2, "by two tags").await;
    let item = QueryItem::default().tag(tag("b:1")).tag(tag("a:10"));
    never_hits(&bench, EventQuery::all().or(item), "by two tags that no event has both").await;
}

pub(super) async fn a_guard_with_alternatives_is_hit_by_any(bench: Bench) {
    four_events(&bench).await;
    let query = EventQuery::types(["absent"]).or(QueryItem::default().tag(tag("a:10")));
    hits_last_at(&bench, query, 4, "with alternatives").await;
}

pub(super) async fn a_guard_over_everything_sees_the_newest_event(bench: Bench) {
    four_events(&bench).await;
    let conflict = CommitError::QueryConflict { at: Position::new(4), read_to: Position::new(3) };
    let work = guarded(&bench, &EventQuery::all(), 3);
    bench.refuse(work, conflict, "conditions: a guard over every event").await;
    let work = guarded(&bench, &EventQuery::all(), 4);
    bench.commit(work).await;
}

pub(super) async fn a_guard_lets_foreign_events_pass(bench: Bench) {
    four_events(&bench).await;
    never_hits(&bench, EventQuery::types(["absent"]), "by a type that no event has").await;
    never_hits(&bench, EventQuery::types(["open"]), "by the beginning of a type").await;
    never_hits(&bench, EventQuery::types(["OPENED"]), "by a type in other case").await;
    never_hits(&bench, EventQuery::types(["opened\0"]), "by a type that no event can have").await;
    never_hits(&bench, EventQuery::tag(tag("a:")), "by the beginning of a tag").await;
    never_hits(&bench, EventQuery::tag(tag("a:%")), "by a tag with a wildcard").await;
    never_hits(&bench, EventQuery::tag(tag("A:1")), "by a tag in other case").await;
    let item = QueryItem::types(["moved"]).tag(tag("a:1"));
    never_hits(&bench, EventQuery::all().or(item), "by type and tag of two events").await;
}

pub(super) async fn a_guard_does_not_see_the_events_of_its_own_unit(bench: Bench) {
    for _ in 0..3 {
        let after = bench.head().await;
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(2));
        bench.commit(work.unless_matched(EventQuery::types(["deposited"]), after)).await;
    }
    assert_eq!(bench.length(&stream("a")).await, 6, "conditions: a guard saw its own unit");
}

/// A unit that was handed over ahead counts, in whatever group both end up, and
/// however little the store knows of the log yet.
pub(super) async fn a_guard_sees_the_units_that_are_ahead_of_it(bench: Bench) {
    four_events(&bench).await;
    let bench = bench.unacquainted().await;
    let read_to = Position::new(4);
    let event = bench.event("opened").with_tags([tag("c:1")].into_iter().collect());
    let ahead = bench.unit().append(stream("ahead"), ExpectedVersion::Any, vec![event]);
    let behind = guarded(&bench, &EventQuery::tag(tag("c:1")), read_to.get());
    let (ahead, behind) = (bench.store().commit(ahead), bench.store().commit(behind));
    bench.answered("a unit without conditions commits", ahead.await);
    let why = "conditions: a unit was ahead that the guard matches";
    let error = behind.await.expect_err(why);
    let at = Position::new(5);
    let conflict = CommitError::QueryConflict { at, read_to };
    assert_eq!(format!("{error:?}"), format!("{conflict:?}"), "{why}");
    assert_eq!(bench.length(&stream("new")).await, 0, "{why}: the refused one left events");
}

pub(super) async fn each_of_several_guards_can_refuse(bench: Bench) {
    four_events(&bench).await;
    let (hit, passes) = (EventQuery::types(["moved"]), EventQuery::types(["absent"]));
    for (first, second) in [(&hit, &passes), (&passes, &hit)] {
        let work = guarded(&bench, first, 2).unless_matched(second.clone(), Position::new(2));
        let (at, read_to) = (Position::new(4), Position::new(2));
        let conflict = CommitError::QueryConflict { at, read_to };
        bench.refuse(work, conflict, "conditions: one guard of two").await;
    }
}

pub(super) async fn a_guard_protects_a_unit_without_events(bench: Bench) {
    four_events(&bench).await;
    let rows = TableName::named("rows");
    let work = bench.unit().put(rows.clone(), "key", "value");
    let (at, read_to) = (Position::new(4), Position::NONE);
    let work = work.unless_matched(EventQuery::types(["moved"]), read_to);
    let conflict = CommitError::QueryConflict { at, read_to };
    bench.refuse(work, conflict, "conditions: a guard of a unit of rows").await;
    let row = bench.row(&rows, b"key").await;
    assert_eq!(row, None, "conditions: a refused unit left a row");
}
