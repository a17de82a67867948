//! What was acknowledged is there after the store was closed and reopened.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use cqrs_core::message::Encoding;
use cqrs_core::store::{
    CommitError, Cursor, Epoch, EventStore, ExpectedVersion, Operation, Position, ReadError,
    ReadRequest, Snapshot, StateShape, StreamVersion, TableName, UnitOfWork,
};
use cqrs_sqlite::SqliteStore;
use support::{Dice, all, at, event, operation, stream, unit};

#[tokio::test]
async fn a_store_in_a_file_runs_with_write_ahead_log_and_says_that_it_is_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.expect("the store opens");
    assert!(store.info().await.expect("it answers").durable);
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it too");
    let mode: String =
        other.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn reopening_keeps_events_incarnation_rows_and_operations() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let mut dice = Dice::new(1);
    let one = stream("account", 1);
    let table = TableName::named("balances");
    let snapshot = Snapshot::new(
        one.clone(),
        StreamVersion::new(2),
        StateShape { version: 1, fingerprint: u64::MAX },
        Encoding::JSON,
        vec![1, 2, 3].into(),
        at(9),
    );
    let work = UnitOfWork::new(Operation::given(operation(1)), at(5))
        .append(
            one.clone(),
            ExpectedVersion::NoStream,
            vec![event(&mut dice, "a"), event(&mut dice, "b")],
        )
        .put(table.clone(), vec![1], vec![2])
        .save(snapshot.clone())
        .with_reply(vec![42].into());

    let store = SqliteStore::open(&path).await.expect("the store opens");
    let log = store.info().await.expect("it answers").log;
    let committed = store.commit(work.clone()).await.expect("the unit commits");
    let before = all(&store).await;
    let claimed = store.claim_checkpoint(&"one".to_owned().into()).await.expect("it is claimed");
    drop(store);

    let store = SqliteStore::open(&path).await.expect("the store opens again");
    let info = store.info().await.expect("it answers");
    assert_eq!((info.log, info.head), (log, Position::new(2)));
    assert_eq!(all(&store).await, before);
    assert_eq!(store.row(&table, &[1]).await.expect("it reads"), Some(vec![2].into()));
    assert_eq!(store.snapshot(&one).await.expect("it reads"), Some(snapshot));
    let kept = store.checkpoint(&claimed.name).await.expect("it reads");
    assert_eq!(kept, Some(claimed.clone()));
    assert_eq!(claimed.epoch, Epoch::new(1));
    let resolved = store.resolve(operation(1)).await.expect("it resolves").expect("it is there");
    assert_eq!(resolved.streams(), committed.streams());
    assert_eq!(resolved.reply(), &bytes::Bytes::from(vec![42]));
    let again = store.commit(work.clone()).await.expect("the repeat is recognised");
    assert!(again.is_repeated());
    assert_eq!(store.info().await.expect("it answers").head, Position::new(2));
    let other = UnitOfWork::new(Operation::given(operation(1)), at(5)).append(
        one,
        ExpectedVersion::Any,
        vec![event(&mut dice, "c")],
    );
    let refused = store.commit(other).await;
    assert!(matches!(refused, Err(CommitError::OperationReused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_dropped_commit_still_commits() {
    let store = SqliteStore::in_memory().await.expect("the store opens");
    let mut dice = Dice::new(2);
    let one = stream("account", 1);
    for _ in 0..10 {
        drop(store.commit(unit(&mut dice, one.clone(), "x")));
    }
    let last = store.commit(unit(&mut dice, one.clone(), "y")).await.expect("the unit commits");
    assert_eq!(last.streams(), &[(one, StreamVersion::new(11))]);
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_what_was_handed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let mut dice = Dice::new(3);
    let store = SqliteStore::open(&path).await.expect("the store opens");
    let handed: Vec<_> =
        (0..200).map(|n| store.commit(unit(&mut dice, stream("account", n % 7), "x"))).collect();
    drop(store);
    for receipt in handed {
        receipt.await.expect("the unit was committed before the handle was gone");
    }
    let wal = std::fs::metadata(folder.path().join("log.db-wal"));
    assert!(wal.is_err(), "the write-ahead log was moved into the file");
    let store = SqliteStore::open(&path).await.expect("the store opens again");
    assert_eq!(all(&store).await.len(), 200);
}

#[tokio::test]
async fn a_cursor_of_another_log_is_refused() {
    let store = SqliteStore::in_memory().await.expect("the store opens");
    let other = SqliteStore::in_memory().await.expect("another one");
    let log = other.info().await.expect("it answers").log;
    let cursor = Cursor { log, position: Position::new(1) };
    let refused = store.read(ReadRequest::all().resume(cursor)).await;
    assert!(matches!(refused, Err(ReadError::OtherLog { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_commit_contiguous_versions_and_positions() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("log.db")).await.expect("the store opens");
    let callers: Vec<_> = (0..64)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut dice = Dice::new(caller);
                for _ in 0..20 {
                    let unit = unit(&mut dice, stream("account", caller % 5), "x");
                    store.commit(unit).await.expect("the unit commits");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("the caller ends");
    }
    support::assert_contiguous(&all(&store).await, 64 * 20);
}
