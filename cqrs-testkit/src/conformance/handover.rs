//! A unit is handed over by the call, not by the first poll, and runs to its
//! end whatever becomes of the future.

use std::pin::pin;
use std::task::{Context, Waker};

use cqrs_core::store::{
    CheckpointName, Cursor, Direction, EventStore, ExpectedVersion, Operation, ReadRequest,
    TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, spawn, stream};

/// Polls a future once and drops it.
fn poll_once<T>(future: impl Future<Output = T>) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

fn numbered(bench: &Bench, n: usize) -> UnitOfWork {
    let event = bench.event_with("numbered", n.to_string().into_bytes());
    bench.unit().append(stream(&format!("s{}", n % 3)), ExpectedVersion::Any, vec![event])
}

async fn numbers(bench: &Bench) -> Vec<usize> {
    let number = |payload: &[u8]| std::str::from_utf8(payload).ok()?.parse().ok();
    let log = bench.log().await;
    log.iter()
        .map(|event| number(event.payload()).expect("handover: the payloads are numbers"))
        .collect()
}

pub(super) async fn units_commit_in_the_order_of_the_calls(bench: Bench) {
    let mut commits: Vec<_> = (0..30).map(|n| bench.store().commit(numbered(&bench, n))).collect();
    while let Some(commit) = commits.pop() {
        let commit = commit.await.expect("handover: a unit without conditions commits");
        bench.position(&commit).await;
    }
    let order: Vec<_> = (0..30).collect();
    assert_eq!(numbers(&bench).await, order, "handover: units must commit in order of the calls");
}

pub(super) async fn a_unit_need_not_be_polled_before_the_next_one(bench: Bench) {
    let waiting = bench.store().commit(numbered(&bench, 0));
    for n in 1..5 {
        bench.commit(numbered(&bench, n)).await;
    }
    let _ = waiting.await.expect("handover: a unit without conditions commits");
    let order: Vec<_> = (0..5).collect();
    assert_eq!(numbers(&bench).await, order, "handover: a unit waited for its first poll");
}

pub(super) async fn a_chain_of_exact_versions_needs_no_answer_in_between(bench: Bench) {
    let commits: Vec<_> = (0..20)
        .map(|n| {
            let expected = ExpectedVersion::Exact(at(n));
            bench.store().commit(bench.unit().append(stream("a"), expected, bench.events(1)))
        })
        .collect();
    for commit in commits.into_iter().rev() {
        let answer = commit.await;
        assert!(answer.is_ok(), "handover: a chain of exact versions must commit: {answer:?}");
    }
}

/// Drops commits by `drop`, then asks what became of them.
async fn committed_although(bench: &Bench, what: &str, mut drop: impl FnMut(UnitOfWork)) {
    let mut operations = Vec::new();
    for n in 0..10 {
        let work = numbered(bench, n);
        operations.push(work.operation().id());
        drop(work);
    }
    for operation in operations {
        let outcome = bench.resolve(operation).await;
        let outcome = outcome.unwrap_or_else(|| panic!("handover: a commit {what} was lost"));
        bench.position(&outcome).await;
    }
    let order: Vec<_> = (0..10).collect();
    assert_eq!(numbers(bench).await, order, "handover: commits {what} must keep their order");
    bench.commit(numbered(bench, 10)).await;
}

pub(super) async fn a_commit_that_is_dropped_unpolled_runs_to_its_end(bench: Bench) {
    committed_although(&bench, "dropped unpolled", |work| drop(bench.store().commit(work))).await;
}

pub(super) async fn a_commit_that_is_dropped_after_a_poll_runs_to_its_end(bench: Bench) {
    let poll = |work| poll_once(bench.store().commit(work));
    committed_although(&bench, "dropped after one poll", poll).await;
}

pub(super) async fn a_commit_outlives_the_task_that_asked_for_it(bench: Bench) {
    let work = numbered(&bench, 0);
    let (operation, store) = (work.operation().id(), bench.store().clone());
    let (handed_over, heard) = tokio::sync::oneshot::channel();
    let task = spawn(async move {
        let commit = store.commit(work);
        let _ = handed_over.send(());
        std::future::pending::<()>().await;
        commit.await
    });
    heard.await.expect("handover: the task hands over before it waits");
    task.abort();
    let outcome = bench.resolve(operation).await;
    assert!(outcome.is_some(), "handover: a commit of an aborted task was lost");
}

pub(super) async fn a_dropped_commit_disturbs_no_other_call(bench: Bench) {
    let first = bench.store().commit(numbered(&bench, 0));
    drop(bench.store().commit(numbered(&bench, 1)));
    let third = bench.store().commit(numbered(&bench, 2));
    for answer in [first.await, third.await] {
        let commit = answer.expect("handover: a dropped neighbour must not fail a commit");
        bench.position(&commit).await;
    }
    assert_eq!(numbers(&bench).await, [0, 1, 2], "handover: a dropped neighbour cost units");
}

pub(super) async fn a_dropped_commit_can_be_repeated_without_effect(bench: Bench) {
    let given = Operation::given(bench.operation_id());
    let work =
        UnitOfWork::new(given, NOW).append(stream("a"), ExpectedVersion::NoStream, bench.events(1));
    poll_once(bench.store().commit(work.clone()));
    let again = bench.commit(work).await;
    assert!(again.is_repeated(), "handover: the dropped commit had taken effect, or must have");
    assert_eq!(bench.length(&stream("a")).await, 1, "handover: the repeat wrote twice");
}

pub(super) async fn dropped_reads_leave_the_store_as_it_was(bench: Bench) {
    bench.commit(numbered(&bench, 0)).await;
    let (name, table) = (CheckpointName::named("reader"), TableName::named("rows"));
    let whole = || (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let store = bench.store();
    for _ in 0..50 {
        poll_once(store.read(ReadRequest::all()));
        poll_once(store.info());
        poll_once(store.resolve(bench.operation_id()));
        poll_once(store.stream_head(&stream("s0")));
        poll_once(store.snapshot(&stream("s0")));
        poll_once(store.checkpoint(&name));
        poll_once(store.row(&table, b"k"));
        poll_once(store.rows(&table, whole(), Direction::Forward, 1));
    }
    bench.commit(numbered(&bench, 1)).await;
    assert_eq!(numbers(&bench).await, [0, 1], "handover: dropped reads changed the log");
}

pub(super) async fn a_dropped_claim_leaves_the_checkpoint_claimable(bench: Bench) {
    let name = CheckpointName::named("reader");
    let claim = || async { bench.claim(&name).await };
    let before = claim().await;
    for _ in 0..20 {
        poll_once(bench.store().claim_checkpoint(&name));
    }
    let after = claim().await;
    assert!(after.epoch > before.epoch, "handover: a claim must raise the epoch");
    let to = Cursor { log: bench.log_id().await, position: cqrs_core::store::Position::NONE };
    bench.commit(bench.unit().advance_checkpoint(name.clone(), after.epoch, Some(to))).await;
}
