//! Events, snapshots, rows and a checkpoint commit together or not at all.

use cqrs_core::store::{
    CheckpointName, CommitError, Cursor, Epoch, EventQuery, EventStore, ExpectedVersion,
    InvalidInput, Lineage, Operation, Position, Snapshot, StateShape, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, stream};

const ROWS: TableName = TableName::named("rows");
const READER: CheckpointName = CheckpointName::named("reader");

/// A log with one event and a claimed checkpoint, and a unit that would
/// change everything.
async fn prepared(bench: &Bench) -> UnitOfWork {
    let work = bench.unit().append(stream("seen"), ExpectedVersion::Any, bench.events(1));
    bench.commit(work.put(ROWS, "old", "row")).await;
    let epoch = bench.claim(&READER).await.epoch;
    let unit = UnitOfWork::new(Operation::given(bench.operation_id()), NOW);
    everything(bench, unit, epoch).await
}

async fn everything(bench: &Bench, unit: UnitOfWork, epoch: Epoch) -> UnitOfWork {
    let (shape, json) =
        (StateShape { version: 1, fingerprint: 1 }, cqrs_core::message::Encoding::JSON);
    let to = Cursor { log: bench.log_id().await, position: Position::new(1) };
    unit.append(stream("a"), ExpectedVersion::NoStream, bench.events(2))
        .append(stream("b"), ExpectedVersion::NoStream, bench.events(1))
        .save(Snapshot::new(stream("a"), at(2), shape, json, "state".into(), NOW))
        .clear(ROWS)
        .put(ROWS, "new", "row")
        .advance_checkpoint(READER, epoch, Some(to))
}

/// What is there: streams a and b, snapshot, old and new row, checkpoint.
async fn found(bench: &Bench) -> [bool; 6] {
    let place = bench.checkpoint(&READER).await.and_then(|kept| kept.cursor);
    [
        bench.length(&stream("a")).await > 0,
        bench.length(&stream("b")).await > 0,
        bench.snapshot(&stream("a")).await.is_some(),
        bench.row(&ROWS, b"old").await.is_some(),
        bench.row(&ROWS, b"new").await.is_some(),
        place.is_some(),
    ]
}

const BEFORE: [bool; 6] = [false, false, false, true, false, false];
const AFTER: [bool; 6] = [true, true, true, false, true, true];

async fn refused_whole(bench: &Bench, work: UnitOfWork, with: CommitError, cause: &str) {
    let why = format!("unit of work: refused by {cause}");
    let operation = work.operation().id();
    bench.refuse(work, with, &why).await;
    let found = found(bench).await;
    assert_eq!(found, BEFORE, "{why}: parts were written (a, b, snapshot, old, new, place)");
    let resolved = bench.resolve(operation).await;
    assert_eq!(resolved, None, "{why}: the operation was recorded");
}

pub(super) async fn all_of_it_commits_together(bench: Bench) {
    let work = prepared(&bench).await;
    assert_eq!(found(&bench).await, BEFORE, "unit of work: nothing is there before the commit");
    bench.commit(work).await;
    let found = found(&bench).await;
    assert_eq!(found, AFTER, "unit of work: parts are missing (a, b, snapshot, old, new, place)");
}

pub(super) async fn a_conflict_refuses_all_of_it(bench: Bench) {
    let expected = ExpectedVersion::NoStream;
    let work = prepared(&bench).await.append(stream("seen"), expected, Vec::new());
    let conflict = CommitError::Conflict { stream: stream("seen"), expected, actual: at(1) };
    refused_whole(&bench, work, conflict, "a conflict").await;
}

pub(super) async fn a_guard_refuses_all_of_it(bench: Bench) {
    let (at, read_to) = (Position::new(1), Position::NONE);
    let work = prepared(&bench).await.unless_matched(EventQuery::all(), read_to);
    refused_whole(&bench, work, CommitError::QueryConflict { at, read_to }, "a guard").await;
}

pub(super) async fn a_broken_lineage_refuses_all_of_it(bench: Bench) {
    let lineage = Lineage::new();
    let work = prepared(&bench).await.in_lineage(lineage.clone());
    lineage.sever();
    refused_whole(&bench, work, CommitError::Superseded, "a broken lineage").await;
}

pub(super) async fn a_stale_epoch_refuses_all_of_it(bench: Bench) {
    let work = prepared(&bench).await;
    let held = work.advance().expect("the unit moves a checkpoint").epoch();
    let actual = bench.claim(&READER).await.epoch;
    let fenced = CommitError::Fenced { checkpoint: READER, held, actual };
    refused_whole(&bench, work, fenced, "a stale epoch").await;
}

pub(super) async fn invalid_input_refuses_all_of_it(bench: Bench) {
    let long = bench.store().limits().key_bytes + 1;
    let work = prepared(&bench).await.put(ROWS, vec![b'k'; long], "v");
    let (limit, actual) = (long - 1, long);
    let invalid = InvalidInput::TooLarge { what: "a row's key", limit, actual };
    refused_whole(&bench, work, CommitError::Invalid(invalid), "a long key").await;
}

pub(super) async fn a_reused_operation_refuses_all_of_it(bench: Bench) {
    let first = Operation::given(bench.operation_id());
    let used =
        UnitOfWork::new(first, NOW).append(stream("used"), ExpectedVersion::Any, bench.events(1));
    let epoch = prepared(&bench).await.advance().expect("the unit moves a checkpoint").epoch();
    bench.commit(used).await;
    let work = everything(&bench, UnitOfWork::new(first, NOW), epoch).await;
    let reused = CommitError::OperationReused { operation: first.id() };
    let why = "unit of work: refused by a reused operation";
    bench.refuse(work, reused, why).await;
    assert_eq!(found(&bench).await, BEFORE, "{why}: parts were written");
}

pub(super) async fn a_unit_of_rows_alone_commits_and_leaves_the_log(bench: Bench) {
    let _ = prepared(&bench).await;
    let before = bench.head().await;
    let commit = bench.commit(bench.unit().put(ROWS, "new", "row")).await;
    assert_eq!(bench.head().await, before, "unit of work: rows are no events");
    assert_eq!(commit.streams(), [], "unit of work: rows are in no stream");
    let row = bench.row(&ROWS, b"new").await;
    assert!(row.is_some(), "unit of work: a unit of rows alone must be written");
}
