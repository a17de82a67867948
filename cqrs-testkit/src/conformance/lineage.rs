//! A unit that was decided on one that failed must fail too.

use cqrs_core::store::{
    CheckpointName, CommitError, Epoch, EventQuery, EventStore, ExpectedVersion, InvalidInput,
    Lineage, Operation, Position, StreamVersion, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, stream};

const STALE: ExpectedVersion = ExpectedVersion::Exact(StreamVersion::new(9));

/// A unit whose own conditions hold.
fn fitting(bench: &Bench, lineage: &Lineage) -> UnitOfWork {
    let work = bench.unit().append(stream("b"), ExpectedVersion::Any, bench.events(1));
    work.put(TableName::named("rows"), "k", "v").in_lineage(lineage.clone())
}

async fn supersedes(bench: &Bench, failing: UnitOfWork, cause: &str) {
    let lineage = Lineage::new();
    let answer = bench.store().commit(failing.in_lineage(lineage.clone())).await;
    assert!(answer.is_err(), "lineage: the unit must fail by {cause}");
    assert!(lineage.is_broken(), "lineage: a failure by {cause} must break the lineage");
    let why = format!("lineage: a unit behind one that failed by {cause}");
    for _ in 0..2 {
        bench.refuse(fitting(bench, &lineage), CommitError::Superseded, &why).await;
    }
    let row = bench.row(&TableName::named("rows"), b"k").await;
    assert_eq!(row, None, "{why}: left a row");
}

pub(super) async fn units_behind_a_conflict_are_superseded(bench: Bench) {
    let work = bench.unit().append(stream("a"), STALE, bench.events(1));
    supersedes(&bench, work, "a stale version").await;
}

pub(super) async fn units_behind_a_query_conflict_are_superseded(bench: Bench) {
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1))).await;
    let work = bench.unit().unless_matched(EventQuery::all(), Position::NONE);
    supersedes(&bench, work, "a guard").await;
}

pub(super) async fn units_behind_a_fenced_one_are_superseded(bench: Bench) {
    let name = CheckpointName::named("reader");
    bench.claim(&name).await;
    let work = bench.unit().advance_checkpoint(name, Epoch::new(77), None);
    supersedes(&bench, work, "a stale epoch").await;
}

pub(super) async fn units_behind_an_invalid_one_are_superseded(bench: Bench) {
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, Vec::new());
    let work = work.append(stream("a"), ExpectedVersion::Any, Vec::new());
    supersedes(&bench, work, "invalid input").await;
}

pub(super) async fn units_behind_a_reused_operation_are_superseded(bench: Bench) {
    let given = Operation::given(bench.operation_id());
    let work =
        |events| UnitOfWork::new(given, NOW).append(stream("a"), ExpectedVersion::Any, events);
    bench.commit(work(bench.events(1))).await;
    supersedes(&bench, work(bench.events(2)), "a reused operation").await;
}

pub(super) async fn a_version_that_happens_to_fit_does_not_save_a_unit(bench: Bench) {
    let lineage = Lineage::new();
    let expecting = |version| {
        let work = bench.unit().append(stream("a"), version, bench.events(1));
        work.in_lineage(lineage.clone())
    };
    let first = bench.store().commit(expecting(STALE));
    let second = bench.store().commit(expecting(ExpectedVersion::NoStream));
    let third = bench.store().commit(expecting(ExpectedVersion::Any));

    let answers = [third.await, second.await];

    for answer in answers {
        let superseded = matches!(answer, Err(CommitError::Superseded));
        assert!(superseded, "lineage: a unit handed over behind a failing one: {answer:?}");
    }
    let failed = first.await;
    let conflict = matches!(failed, Err(CommitError::Conflict { .. }));
    assert!(conflict, "lineage: the first unit fails by itself: {failed:?}");
    assert_eq!(bench.length(&stream("a")).await, 0, "lineage: a superseded unit was written");
}

pub(super) async fn other_lineages_are_unaffected(bench: Bench) {
    let (broken, sound) = (Lineage::new(), Lineage::new());
    let failing = bench.unit().append(stream("a"), STALE, Vec::new()).in_lineage(broken.clone());
    let answer = bench.store().commit(failing).await;
    assert!(answer.is_err(), "lineage: stream a is not at version 9: {answer:?}");
    bench.commit(fitting(&bench, &sound)).await;
    bench.commit(bench.unit().append(stream("b"), ExpectedVersion::Any, bench.events(1))).await;
    bench.commit(fitting(&bench, &Lineage::new())).await;
    let states = (sound.is_broken(), broken.is_broken());
    assert_eq!(states, (false, true), "lineage: a failure concerns its own lineage alone");
}

pub(super) async fn a_chain_commits_when_every_unit_does(bench: Bench) {
    let lineage = Lineage::new();
    let commits: Vec<_> = (0..20)
        .map(|n| {
            let expected = ExpectedVersion::Exact(at(n));
            let work = bench.unit().append(stream("a"), expected, bench.events(1));
            bench.store().commit(work.in_lineage(lineage.clone()))
        })
        .collect();
    for commit in commits {
        let answer = commit.await;
        assert!(answer.is_ok(), "lineage: every unit of a sound chain commits: {answer:?}");
    }
    assert_eq!(bench.length(&stream("a")).await, 20, "lineage: a sound chain lost units");
    assert!(!lineage.is_broken(), "lineage: a sound chain is not broken");
}

pub(super) async fn an_invalid_unit_is_refused_as_invalid_in_a_lineage(bench: Bench) {
    let twice = stream("a");
    let work = bench.unit().in_lineage(Lineage::new());
    let work = work.append(twice.clone(), ExpectedVersion::Any, bench.events(1));
    let work = work.append(twice.clone(), ExpectedVersion::Any, bench.events(1));
    let invalid = CommitError::Invalid(InvalidInput::StreamTwice { stream: twice });
    bench.refuse(work, invalid, "lineage: one stream twice").await;
}
