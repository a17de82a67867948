//! Two stores on one file, as two processes have them.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Operation, StreamVersion, UnitOfWork,
};
use cqrs_sqlite::SqliteStore;
use support::{Dice, all, at, event, operation, stream, unit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_writers_leave_no_gap_and_no_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let stores = [
        SqliteStore::options().path(&path).index_every(30).open().await.expect("one opens"),
        SqliteStore::options().path(&path).index_every(50).open().await.expect("two opens"),
    ];
    let mut writers = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        for task in 0..4 {
            let store = store.clone();
            writers.push(tokio::spawn(async move {
                let mut dice = Dice::new(number as u64 * 10 + task);
                for _ in 0..50 {
                    let key = dice.below(6);
                    let unit = unit(&mut dice, stream("account", key), "x");
                    store.commit(unit).await.expect("the unit commits");
                }
            }));
        }
    }
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    for store in &stores {
        let events = all(store).await;
        support::assert_contiguous(&events, 400);
        for key in 0..6 {
            let stream = stream("account", key);
            let newest = events.iter().filter(|event| *event.stream() == stream).count();
            let head = store.stream_head(&stream).await.expect("the head can be read");
            assert_eq!(head.get(), newest as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stores_that_expect_the_same_version_one_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let one = SqliteStore::open(&path).await.expect("one opens");
    let two = SqliteStore::open(&path).await.expect("two opens");
    let mut dice = Dice::new(5);
    let stream = stream("account", 1);
    for round in 0..40 {
        let expected = ExpectedVersion::Exact(StreamVersion::new(round));
        let mut unit = || {
            let id = cqrs_core::OperationId::from_uuid(dice.uuid());
            let events = vec![event(&mut dice, "x")];
            UnitOfWork::new(Operation::fresh(id), at(1)).append(stream.clone(), expected, events)
        };
        let (left, right) = tokio::join!(one.commit(unit()), two.commit(unit()));
        let lost = match (left, right) {
            (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
            other => panic!("exactly one wins, not {other:?}"),
        };
        assert!(matches!(lost, CommitError::Conflict { .. }), "{lost:?}");
    }
}

#[tokio::test]
async fn an_operation_of_another_process_is_recognised() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let one = SqliteStore::open(&path).await.expect("one opens");
    let two = SqliteStore::open(&path).await.expect("two opens");
    let mut dice = Dice::new(6);
    let work = UnitOfWork::new(Operation::given(operation(1)), at(1)).append(
        stream("account", 1),
        ExpectedVersion::Any,
        vec![event(&mut dice, "x")],
    );
    one.commit(work.clone()).await.expect("the unit commits");
    assert!(two.commit(work).await.expect("the repeat is recognised").is_repeated());
    let resolved = two.resolve(operation(1)).await.expect("it resolves");
    assert_eq!(resolved.map(|commit| commit.token().mark()), Some(1));
}
