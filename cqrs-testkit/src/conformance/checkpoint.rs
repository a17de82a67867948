//! Checkpoints move only for the worker that claimed them last.

use cqrs_core::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, Epoch, ExpectedVersion, Position, Snapshot,
    StateShape, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, stream};

const READER: CheckpointName = CheckpointName::named("reader");

async fn advance(bench: &Bench, epoch: Epoch, to: Option<Cursor>) {
    bench.commit(bench.unit().advance_checkpoint(READER, epoch, to)).await;
}

async fn cursor(bench: &Bench, position: u64) -> Cursor {
    Cursor { log: bench.log_id().await, position: Position::new(position) }
}

pub(super) async fn one_that_nobody_claimed_is_none(bench: Bench) {
    assert_eq!(bench.checkpoint(&READER).await, None, "checkpoint: nobody has claimed it");
}

pub(super) async fn a_first_claim_starts_before_the_first_event(bench: Bench) {
    let claimed = bench.claim(&READER).await;
    assert_eq!(claimed.name, READER, "checkpoint: a claim must return what was claimed");
    assert_eq!(claimed.cursor, None, "checkpoint: a new one stands before the first event");
    assert!(claimed.epoch > Epoch::default(), "checkpoint: a claim must raise the epoch");
    assert_eq!(bench.checkpoint(&READER).await, Some(claimed), "checkpoint: a claim must be kept");
}

pub(super) async fn each_claim_raises_the_epoch_and_keeps_the_place(bench: Bench) {
    let mut epoch = bench.claim(&READER).await.epoch;
    for position in 1..4 {
        let to = Some(cursor(&bench, position).await);
        advance(&bench, epoch, to).await;
        let claimed = bench.claim(&READER).await;
        assert!(claimed.epoch > epoch, "checkpoint: a claim must raise the epoch");
        assert_eq!(claimed.cursor, to, "checkpoint: a claim must keep the place");
        epoch = claimed.epoch;
    }
}

pub(super) async fn reading_one_claims_nothing(bench: Bench) {
    let claimed = bench.claim(&READER).await;
    for _ in 0..3 {
        let read = bench.checkpoint(&READER).await;
        assert_eq!(read.as_ref(), Some(&claimed), "checkpoint: reading must change nothing");
    }
    advance(&bench, claimed.epoch, None).await;
}

pub(super) async fn an_advance_moves_it_and_keeps_the_epoch(bench: Bench) {
    let claimed = bench.claim(&READER).await;
    for position in [1, 7, Position::MAX.get(), 3] {
        let to = Some(cursor(&bench, position).await);
        advance(&bench, claimed.epoch, to).await;
        let expected = Checkpoint { cursor: to, ..claimed.clone() };
        let moved = bench.checkpoint(&READER).await;
        assert_eq!(moved, Some(expected), "checkpoint: an advance moves the place alone");
    }
}

pub(super) async fn an_advance_to_none_sends_it_back_to_the_beginning(bench: Bench) {
    let claimed = bench.claim(&READER).await;
    let to = Some(cursor(&bench, 5).await);
    advance(&bench, claimed.epoch, to).await;
    advance(&bench, claimed.epoch, None).await;
    let moved = bench.checkpoint(&READER).await;
    assert_eq!(moved, Some(claimed), "checkpoint: it must stand before the first event again");
}

/// A unit of everything under an epoch.
async fn everything(bench: &Bench, epoch: Epoch) -> UnitOfWork {
    let shape = StateShape { version: 1, fingerprint: 1 };
    let encoding = cqrs_core::message::Encoding::JSON;
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1));
    let to = Some(cursor(bench, 9).await);
    work.put(TableName::named("rows"), "k", "v")
        .save(Snapshot::new(stream("a"), at(1), shape, encoding, "s".into(), NOW))
        .advance_checkpoint(READER, epoch, to)
}

async fn nothing_written(bench: &Bench, why: &str) {
    let row = bench.row(&TableName::named("rows"), b"k").await;
    assert_eq!(row, None, "{why}: a fenced unit left a row");
    let snapshot = bench.snapshot(&stream("a")).await;
    assert_eq!(snapshot, None, "{why}: a fenced unit left a snapshot");
    assert_eq!(bench.length(&stream("a")).await, 0, "{why}: a fenced unit left events");
    let place = bench.checkpoint(&READER).await.and_then(|checkpoint| checkpoint.cursor);
    assert_eq!(place, None, "{why}: a fenced unit moved the checkpoint");
}

pub(super) async fn a_stale_epoch_is_fenced_and_writes_nothing(bench: Bench) {
    let stale = bench.claim(&READER).await.epoch;
    let actual = bench.claim(&READER).await.epoch;
    let ahead = Epoch::new(actual.get() + 1);
    for held in [stale, ahead, Epoch::default()] {
        let fenced = CommitError::Fenced { checkpoint: READER, held, actual };
        let why = format!("checkpoint: epoch {held} where {actual} is the last claim");
        bench.refuse(everything(&bench, held).await, fenced, &why).await;
        nothing_written(&bench, &why).await;
    }
    bench.commit(everything(&bench, actual).await).await;
}

pub(super) async fn one_that_was_never_claimed_is_fenced(bench: Bench) {
    let (held, actual) = (Epoch::new(1), Epoch::default());
    let fenced = CommitError::Fenced { checkpoint: READER, held, actual };
    let why = "checkpoint: an epoch that was never claimed";
    bench.refuse(everything(&bench, held).await, fenced, why).await;
    nothing_written(&bench, why).await;
}

pub(super) async fn checkpoints_are_separate(bench: Bench) {
    let names = ["reader", "Reader", "reader ", "réader"].map(CheckpointName::named);
    let first = bench.claim(&names[0]).await;
    for (n, name) in names.iter().enumerate() {
        let claimed = if n == 0 { first.clone() } else { bench.claim(name).await };
        assert_eq!(claimed.cursor, None, "checkpoint: {name} has the place of another");
        let to = Some(cursor(&bench, n as u64 + 1).await);
        let work = bench.unit().advance_checkpoint(name.clone(), claimed.epoch, to);
        bench.commit(work).await;
    }
    for (n, name) in names.iter().enumerate() {
        let place = bench.checkpoint(name).await.and_then(|checkpoint| checkpoint.cursor);
        let expected = Some(cursor(&bench, n as u64 + 1).await);
        assert_eq!(place, expected, "checkpoint: {name} has the place of another");
    }
}
