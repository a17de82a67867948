//! Units of work within a transaction of one's own.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use cqrs_core::OperationId;
use cqrs_core::message::Timestamp;
use cqrs_core::store::{
    CommitError, EventQuery, EventStore, ExpectedVersion, Operation, Position, ReadRequest,
    StreamId, UnitOfWork,
};
use cqrs_testkit::postgres;
use support::{appending, connect, run, store, unit};
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

#[tokio::test]
async fn it_commits_and_rolls_back_with_everything_else() {
    let (store, schema) = store().await;
    run(&schema, "CREATE TABLE @.customers (name text)").await;
    let mut client = connect(&postgres::url()).await;
    store.commit(unit(1)).await.expect("it commits");
    let insert = format!("INSERT INTO {schema}.customers VALUES ('Ada')");
    let count = format!("SELECT count(*) FROM {schema}.customers");
    for commits in [false, true] {
        let transaction = client.transaction().await.expect("it begins");
        transaction.execute(&insert, &[]).await.expect("it may");
        let done = store.append_in(&transaction, appending("order", 2, 3)).await;
        let done = done.expect("it is written");
        assert_eq!(done.token().mark(), 4);
        assert_eq!(store.info().await.expect("it answers").head.get(), 1, "nobody sees it yet");
        let ended = if commits { transaction.commit().await } else { transaction.rollback().await };
        ended.expect("it ends");
        let head = store.look().await.expect("it answers");
        assert_eq!(head.get(), if commits { 4 } else { 1 });
        let rows: i64 = client.query_one(&count, &[]).await.expect("it may").get(0);
        assert_eq!(rows, i64::from(commits));
        assert_eq!(store.watch().head().get(), head.get());
    }
    // The store's own writer goes on behind it.
    store.commit(unit(3)).await.expect("it commits");
    let page = store.read(ReadRequest::all()).await.expect("it reads");
    let positions: Vec<u64> = page.events().map(|event| event.position().get()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_unit_that_is_refused_leaves_the_transaction_usable() {
    let (store, _) = store().await;
    store.commit(unit(1)).await.expect("it commits");
    let mut client = connect(&postgres::url()).await;
    let transaction = client.transaction().await.expect("it begins");
    let stream = StreamId::new("account", "1").expect("it is a name");
    let id = OperationId::from_uuid(Uuid::from_u128(5));
    let work = || UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
    let stale = work().append(stream, ExpectedVersion::NoStream, Vec::new());
    let error = store.append_in(&transaction, stale).await.expect_err("the stream is there");
    assert!(matches!(error, CommitError::Conflict { .. }), "{error:?}");
    let guarded = work().unless_matched(EventQuery::types(["account.noted"]), Position::NONE);
    let error = store.append_in(&transaction, guarded).await.expect_err("there is such an event");
    assert!(matches!(error, CommitError::QueryConflict { .. }), "{error:?}");
    store.append_in(&transaction, unit(2)).await.expect("it is written");
    store.append_in(&transaction, unit(2)).await.expect_err("its operation was fresh twice");
    transaction.rollback().await.expect("it ends");
    assert_eq!(store.info().await.expect("it answers").head.get(), 1);
}

#[tokio::test]
async fn other_writers_wait_and_lose_nothing() {
    let (store, _) = store().await;
    let mut client = connect(&postgres::url()).await;
    for round in 0..5 {
        let transaction = client.transaction().await.expect("it begins");
        store.append_in(&transaction, unit(1_000 + round)).await.expect("it is written");
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move { store.commit(unit(round * 10 + writer)).await })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        if round % 2 == 0 {
            transaction.commit().await.expect("it commits");
        } else {
            transaction.rollback().await.expect("it ends");
        }
        for writer in writers {
            writer.await.expect("it ends").expect("it commits");
        }
    }
    let page = store.read(ReadRequest::all()).await.expect("it reads");
    let positions = page.events().map(|event| event.position().get());
    assert!(positions.eq(1..=23), "4 in each round, and one in three of them");
}

/// The transaction's own setting would let an acknowledged event be lost.
#[tokio::test]
async fn its_commit_is_as_durable_as_any_other() {
    let (store, schema) = store().await;
    let mut client = connect(&postgres::url()).await;
    for (number, (before, after)) in
        (1..).zip([("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
    {
        client.batch_execute(&format!("SET synchronous_commit = {before}")).await.expect("it may");
        let transaction = client.transaction().await.expect("it begins");
        store.append_in(&transaction, unit(number)).await.expect("it is written");
        let found = transaction.query_one("SHOW synchronous_commit", &[]).await.expect("it may");
        assert_eq!(found.get::<_, &str>(0), after, "{schema}: it was {before}");
        transaction.commit().await.expect("it commits");
        let found = client.query_one("SHOW synchronous_commit", &[]).await.expect("it may");
        assert_eq!(found.get::<_, &str>(0), before, "the session keeps its own");
    }
}

/// A snapshot of before the lock does not show what the lock protects.
#[tokio::test]
async fn a_transaction_that_sees_an_old_state_is_refused() {
    let (store, _) = store().await;
    let mut client = connect(&postgres::url()).await;
    for isolation in [IsolationLevel::RepeatableRead, IsolationLevel::Serializable] {
        let begin = client.build_transaction().isolation_level(isolation).start().await;
        let transaction = begin.expect("it begins");
        let refused = store.append_in(&transaction, unit(1)).await;
        let Err(CommitError::Unavailable { reason, transient: false }) = &refused else {
            panic!("{isolation:?}: {refused:?}")
        };
        assert!(reason.contains("begin it as `read committed`"), "{reason}");
        transaction.commit().await.expect("it goes on");
    }
    assert_eq!(store.info().await.expect("it answers").head.get(), 0);
}

#[tokio::test]
async fn an_operation_that_is_given_twice_is_recognised_within_the_transaction() {
    let (store, _) = store().await;
    let mut client = connect(&postgres::url()).await;
    let transaction = client.transaction().await.expect("it begins");
    let given = |number: u128, count| {
        let id = OperationId::from_uuid(Uuid::from_u128(number));
        let stream = StreamId::new("account", "1").expect("it is a name");
        let work = UnitOfWork::new(Operation::given(id), Timestamp::EPOCH);
        work.append(stream, ExpectedVersion::Any, support::events(5, count))
    };
    for count in [0, 2] {
        let number = u128::from(count) + 1;
        let first = store.append_in(&transaction, given(number, count)).await;
        let first = first.expect("it is written");
        let second = store.append_in(&transaction, given(number, count)).await;
        let second = second.expect("it is found");
        assert!(!first.is_repeated() && second.is_repeated());
        assert_eq!(first.token().mark(), second.token().mark());
        assert_eq!(first.streams(), second.streams());
    }
    let reused = store.append_in(&transaction, given(3, 1)).await;
    assert!(matches!(reused, Err(CommitError::OperationReused { .. })), "{reused:?}");
    transaction.commit().await.expect("it commits");
    assert_eq!(store.info().await.expect("it answers").head.get(), 2);
}
