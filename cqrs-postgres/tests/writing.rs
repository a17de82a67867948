//! What the writer does with units that share a transaction, and with callers
//! that ask beside them.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::message::Timestamp;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Operation, ReadError, StreamId, TableName, UnitOfWork,
};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres;
use support::{appending, connect, run, store, unit};
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(30);

fn given(number: u128) -> UnitOfWork {
    let id = OperationId::from_uuid(Uuid::from_u128(number));
    UnitOfWork::new(Operation::given(id), Timestamp::EPOCH)
}

/// Holds a lock on a table of the log.
async fn hold(schema: &str, table: &str) -> Client {
    let client = connect(&postgres::url()).await;
    let lock = format!("BEGIN; LOCK TABLE {schema}.{table} IN EXCLUSIVE MODE");
    client.batch_execute(&lock).await.expect("it may");
    client
}

/// Waits until so many statements on the log wait for a lock.
async fn waiting(schema: &str, count: i64) {
    let client = connect(&postgres::url()).await;
    let text = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE wait_event_type = 'Lock' AND query LIKE '%{schema}.commit_group%'"
    );
    while client.query_one(&text, &[]).await.expect("it may").get::<_, i64>(0) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The runtime has one thread, so that all are handed over before the writer
/// takes the first.
#[tokio::test]
async fn a_unit_that_the_server_refuses_takes_nobody_along() {
    let (store, _) = store().await;
    store.commit(unit(1)).await.expect("it commits");
    // Its operation is said to be new, and was used before.
    let bad = || {
        let stream = StreamId::new("account", "7").expect("it is a name");
        let id = OperationId::from_uuid(Uuid::from_u64_pair(0x7000, 1));
        let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
        work.append(stream, ExpectedVersion::Any, support::events(900, 1))
    };
    let lineage = cqrs_core::store::Lineage::new();
    let good = store.commit(appending("order", 2, 2));
    let guilty = store.commit(bad().in_lineage(lineage.clone()));
    let behind = store.commit(unit(3).in_lineage(lineage));
    let other = store.commit(appending("order", 4, 2));
    let (good, other) = (good.await.expect("it commits"), other.await.expect("it commits"));
    assert_eq!((good.token().mark(), other.token().mark()), (3, 5));
    let error = guilty.await.expect_err("its operation is not new");
    assert!(error.to_string().contains("was used before"), "{error}");
    let error = behind.await.expect_err("it builds on the one that was refused");
    assert!(matches!(error, CommitError::Superseded), "{error:?}");
    assert_eq!(store.info().await.expect("it answers").head.get(), 5);
}

/// Whoever resolves an operation waits for the transaction that may record it.
#[tokio::test]
async fn an_operation_without_events_resolves_only_once_it_has_ended() {
    let (store, schema) = store().await;
    let other = PostgresStore::options(postgres::url()).schema(&schema).open().await;
    let other = other.expect("it opens");
    let rows = TableName::named("rows");
    store.commit(given(1).put(rows.clone(), "k", "1")).await.expect("it commits");
    let held = hold(&schema, "rows").await;
    let work = given(2).put(rows, "k", "2");
    let id = work.operation().id();
    // Its process could have been killed here.
    drop(store.commit(work));
    waiting(&schema, 1).await;
    let mut resolving = Box::pin(other.resolve(id));
    let early = timeout(Duration::from_millis(300), &mut resolving).await;
    assert!(early.is_err(), "it is not decided yet: {early:?}");
    held.batch_execute("ROLLBACK").await.expect("it may");
    let found = timeout(LONG, resolving).await.expect("it is decided").expect("it answers");
    assert_eq!(found.expect("it has committed").operation(), id);
}

#[tokio::test]
async fn what_breaks_no_lineage_is_refused_while_the_server_is_busy() {
    let (store, schema) = store().await;
    let held = hold(&schema, "rows").await;
    let slow = store.commit(given(1).put(TableName::named("rows"), "k", "1"));
    waiting(&schema, 1).await;
    let stream = StreamId::new("account", "1").expect("it is a name");
    let twice = given(2).append(stream.clone(), ExpectedVersion::Any, Vec::new());
    let twice = twice.append(stream, ExpectedVersion::Any, Vec::new());
    let refused = timeout(LONG, store.commit(twice)).await.expect("nothing is asked for it");
    assert!(matches!(refused, Err(CommitError::Invalid(_))), "{refused:?}");
    held.batch_execute("ROLLBACK").await.expect("it may");
    slow.await.expect("it commits");
}

#[tokio::test]
async fn requests_beside_units_do_not_pile_up() {
    let (store, schema) = store().await;
    let held = hold(&schema, "rows").await;
    let slow = store.commit(given(1).put(TableName::named("rows"), "k", "1"));
    waiting(&schema, 1).await;
    let mut asked = 0;
    let full = loop {
        asked += 1;
        assert!(asked < 20_000, "all of it waits");
        // The first poll hands it over.
        let id = OperationId::from_uuid(Uuid::from_u128(asked));
        if let Ok(answer) = timeout(Duration::ZERO, store.resolve(id)).await {
            break answer.expect_err("too much waits");
        }
    };
    let ReadError::Unavailable { reason } = &full else { panic!("{full:?}") };
    assert!(reason.contains("try later"), "{reason}");
    let name = "one".to_owned().into();
    let claim = timeout(LONG, store.claim_checkpoint(&name)).await.expect("it need not wait");
    assert!(matches!(claim, Err(CommitError::Unavailable { transient: true, .. })), "{claim:?}");
    held.batch_execute("ROLLBACK").await.expect("it may");
    slow.await.expect("it commits");
    // Nobody waits for those any more, and their places are free again.
    store.commit(given(3)).await.expect("it commits");
    store.claim_checkpoint(&name).await.expect("there is room");
}

/// What a role or a database is set to after the store was opened takes nothing
/// away.
#[tokio::test]
async fn commits_stay_durable_whatever_the_role_is_set_to_later() {
    let (_, schema) = store().await;
    let role = format!("lax_{schema}");
    let traps = format!(
        "CREATE ROLE {role} LOGIN SUPERUSER;
         CREATE TABLE @.found (level text);
         CREATE FUNCTION @.look() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO @.found VALUES (current_setting('synchronous_commit'));
             RETURN NULL;
         END $$;
         CREATE TRIGGER look AFTER INSERT ON @.events EXECUTE FUNCTION @.look()"
    );
    run(&schema, &traps).await;
    let url = postgres::url().replace("postgres@", &format!("{role}@"));
    let store = PostgresStore::options(url).schema(&schema).open().await.expect("it opens");
    for (number, level) in (1..).zip(["off", "local", "remote_write", "remote_apply"]) {
        let set = format!("ALTER ROLE {role} SET synchronous_commit = {level}");
        let cut = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{role}'"
        );
        run(&schema, &format!("{set}; {cut}")).await;
        store.commit(unit(number)).await.expect("it commits on a new connection");
    }
    let client = connect(&postgres::url()).await;
    let rows = client.query(&format!("SELECT level FROM {schema}.found"), &[]).await;
    let rows = rows.expect("it may");
    let found: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, ["on", "on", "on", "remote_apply"]);
}
