//! What fails at the disk or in the queue leaves nothing half done.

mod support;

use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Limits, Lineage, Operation, UnitOfWork,
};
use cqrs_sqlite::SqliteStore;
use support::{Dice, all, at, event, stream, unit};

fn large(dice: &mut Dice) -> UnitOfWork {
    let id = OperationId::from_uuid(dice.uuid());
    let events = (0..64).map(|_| event(dice, &"x".repeat(4000))).collect();
    UnitOfWork::new(Operation::fresh(id), at(1)).append(
        stream("account", 1),
        ExpectedVersion::Any,
        events,
    )
}

#[tokio::test]
async fn a_full_disk_refuses_the_unit_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let options = SqliteStore::options().path(&path).pragma("PRAGMA max_page_count = 200");
    let store = options.open().await.expect("the store opens");
    let mut dice = Dice::new(1);
    let mut acknowledged = 0;
    let refused = loop {
        match store.commit(large(&mut dice)).await {
            Ok(_) => acknowledged += 64,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&refused, CommitError::Unavailable { reason, transient: false }
            if reason.contains("free space")),
        "{refused:?}"
    );
    support::assert_contiguous(&all(&store).await, acknowledged);
    drop(store);
    let store = SqliteStore::open(&path).await.expect("the store opens again");
    support::assert_contiguous(&all(&store).await, acknowledged);
    store.commit(large(&mut dice)).await.expect("with space it commits");
}

#[tokio::test]
async fn a_database_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteStore::options().path(folder.path().join("log.db"));
    let store = options.pragma("PRAGMA query_only = ON").open().await.expect("the store opens");
    let mut dice = Dice::new(2);
    let refused = store.commit(unit(&mut dice, stream("account", 1), "x")).await;
    assert!(
        matches!(&refused, Err(CommitError::Unavailable { reason, transient: false })
            if reason.contains("writable")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_lock_that_outlasts_the_busy_timeout_is_a_passing_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let options = SqliteStore::options().path(&path).busy_timeout(Duration::from_millis(20));
    let store = options.open().await.expect("the store opens");
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut dice = Dice::new(3);
    let refused = store.commit(unit(&mut dice, stream("account", 1), "x")).await;
    assert!(
        matches!(refused, Err(CommitError::Unavailable { transient: true, .. })),
        "{refused:?}"
    );
    other.execute_batch("ROLLBACK").expect("the lock is gone");
    store.commit(unit(&mut dice, stream("account", 1), "x")).await.expect("it commits");
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_was_queued_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let mut limits = Limits::default();
    limits.queued_bytes = 100_000;
    let store = SqliteStore::options().path(&path).limits(limits).open().await.expect("it opens");
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut dice = Dice::new(4);
    let lineage = Lineage::new();
    let mut unit = || {
        let payload = "x".repeat(40_000);
        unit(&mut dice, stream("account", 1), &payload).in_lineage(lineage.clone())
    };
    let (first, second, third) = (store.commit(unit()), store.commit(unit()), store.commit(unit()));
    other.execute_batch("ROLLBACK").expect("the lock is gone");
    first.await.expect("the first was queued");
    second.await.expect("the second was queued, and nothing ahead of it failed");
    let refused = third.await;
    assert!(matches!(refused, Err(CommitError::Overloaded { .. })), "{refused:?}");
    let behind = store.commit(unit()).await;
    assert!(matches!(behind, Err(CommitError::Superseded)), "{behind:?}");
}

#[tokio::test]
async fn a_unit_that_fails_does_not_disturb_the_others_of_its_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.expect("the store opens");
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut dice = Dice::new(5);
    let mut receipts = Vec::new();
    for number in 0..20_u64 {
        let id = OperationId::from_uuid(dice.uuid());
        let events = vec![event(&mut dice, "x"), event(&mut dice, "y")];
        let expected =
            if number % 2 == 0 { ExpectedVersion::Any } else { ExpectedVersion::NoStream };
        receipts.push(store.commit(UnitOfWork::new(Operation::fresh(id), at(1)).append(
            stream("account", 1),
            expected,
            events,
        )));
    }
    other.execute_batch("ROLLBACK").expect("the lock is gone");
    for (number, receipt) in receipts.into_iter().enumerate() {
        let outcome = receipt.await;
        assert_eq!(outcome.is_ok(), number % 2 == 0, "unit {number}: {outcome:?}");
    }
    support::assert_contiguous(&all(&store).await, 20);
}
