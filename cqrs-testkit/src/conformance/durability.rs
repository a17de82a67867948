//! What was acknowledged is there when the log is opened again. A store that
//! need not be durable is not asked.

use bytes::Bytes;
use cqrs_core::Timestamp;
use cqrs_core::store::{
    CheckpointName, CommitError, Cursor, ExpectedVersion, Operation, Position, Snapshot,
    StateShape, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, stream};
use super::corpus::Corpus;

pub(super) async fn a_durable_store_says_so(bench: Bench) {
    let is_asked = bench.must_be_durable();
    let info = bench.info().await;
    assert!(info.durable || !is_asked, "durability: the store denies its durability");
}

pub(super) async fn a_reopened_log_has_its_id_and_all_its_events(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let log = bench.log_id().await;
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(bench.log_id().await, log, "durability: a log keeps its id when it is reopened");
    assert_eq!(bench.head().await.get(), corpus.len() as u64, "durability: the head is kept");
    let all = cqrs_core::store::ReadRequest::all();
    corpus.check(&bench, all, "durability: the reopened log").await;
}

pub(super) async fn a_reopened_log_goes_on_where_it_ended(bench: Bench) {
    for round in 1..4 {
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(round));
        bench.commit(work).await;
    }
    let Some(bench) = bench.reopened().await else { return };
    let (key, actual) = (stream("a"), at(6));
    let stale = bench.unit().append(key.clone(), ExpectedVersion::NoStream, bench.events(1));
    let conflict =
        CommitError::Conflict { stream: key.clone(), expected: ExpectedVersion::NoStream, actual };
    bench.refuse(stale, conflict, "durability: a stream of the reopened log").await;
    let exact = ExpectedVersion::Exact(actual);
    let early = bench.unit_at(Timestamp::EPOCH).append(key.clone(), exact, bench.events(1));
    let recorded = bench.commit(early).await.recorded_at();
    assert_eq!(recorded, NOW, "durability: recorded time went back over a restart");
    assert_eq!(bench.length(&key).await, 7, "durability: the stream did not go on");
    assert_eq!(bench.log().await.len(), 7, "durability: positions did not go on");
}

pub(super) async fn a_reopened_log_knows_its_operations(bench: Bench) {
    let given = Operation::given(bench.operation_id());
    let work = |payload: &str| {
        let event = bench.event_with("deposited", payload.into());
        UnitOfWork::new(given, NOW)
            .append(stream("a"), ExpectedVersion::Any, vec![event])
            .with_reply(Bytes::from_static(b"reply"))
    };
    let (same, other) = (work("1"), work("2"));
    bench.commit(same.clone()).await;
    let Some(bench) = bench.reopened().await else { return };
    let again = bench.commit(same).await;
    assert!(again.is_repeated(), "durability: an operation was forgotten over a restart");
    assert_eq!(again.reply().as_ref(), b"reply", "durability: a reply was forgotten");
    let reused = CommitError::OperationReused { operation: given.id() };
    bench.refuse(other, reused, "durability: a used operation of the reopened log").await;
}

pub(super) async fn a_reopened_log_has_its_rows_snapshots_and_checkpoints(bench: Bench) {
    let (rows, reader) = (TableName::named("rows"), CheckpointName::named("reader"));
    let claimed = bench.claim(&reader).await;
    let to = Cursor { log: bench.log_id().await, position: Position::new(5) };
    let (shape, json) =
        (StateShape { version: 3, fingerprint: 9 }, cqrs_core::message::Encoding::JSON);
    let snapshot = Snapshot::new(stream("a"), at(4), shape, json, "state".into(), NOW);
    let work = bench.unit().put(rows.clone(), "k", "v").save(snapshot.clone());
    bench.commit(work.advance_checkpoint(reader.clone(), claimed.epoch, Some(to))).await;

    let Some(bench) = bench.reopened().await else { return };

    let row = bench.row(&rows, b"k").await;
    assert_eq!(row.as_deref(), Some(&b"v"[..]), "durability: a row was lost");
    let kept = bench.snapshot(&stream("a")).await;
    assert_eq!(kept, Some(snapshot), "durability: a snapshot was lost");
    let again = bench.claim(&reader).await;
    assert_eq!(again.cursor, Some(to), "durability: a checkpoint's place was lost");
    assert!(again.epoch > claimed.epoch, "durability: an epoch was given twice");
}
