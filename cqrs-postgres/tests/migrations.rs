//! The schema goes up and down, as often as one likes.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use cqrs_core::store::{EventStore, ReadRequest};
use cqrs_postgres::{MIGRATIONS, Migrator, OpenError, PostgresStore, script};
use cqrs_testkit::postgres;
use support::{connect, ends, store, unit, until};

#[tokio::test]
async fn up_down_and_up_again() {
    let schema = postgres::schema();
    let migrator = Migrator::connect(&postgres::url(), &schema).await.expect("it connects");
    assert_eq!(migrator.current().await.expect("it is empty"), 0);
    for _ in 0..2 {
        migrator.up().await.expect("it goes up");
        migrator.up().await.expect("there is nothing to do");
        assert_eq!(migrator.current().await.expect("it is there"), MIGRATIONS.len() as u32);
        migrator.down(0, false).await.expect("it goes down");
        assert_eq!(migrator.current().await.expect("it is empty"), 0);
    }
    let known = MIGRATIONS.len() as u32;
    let error = migrator.down(known + 1, false).await.expect_err("it is not known");
    assert!(matches!(error, OpenError::NoSuchMigration { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_with_events_does_not_go_by_accident() {
    let (store, schema) = store().await;
    store.commit(unit(1)).await.expect("it commits");
    let migrator = Migrator::connect(&postgres::url(), &schema).await.expect("it connects");
    let error = migrator.down(0, false).await.expect_err("it holds an event");
    assert!(matches!(error, OpenError::WouldDelete { events: 1, .. }), "{error:?}");
    assert_eq!(store.info().await.expect("it answers").head.get(), 1);
    migrator.down(0, true).await.expect("it was meant");
    migrator.up().await.expect("it goes up");
    // The store believes in another log, says so, and writes nothing to this.
    for error in [store.commit(unit(2)).await.expect_err("it is another log").to_string()]
        .into_iter()
        .chain([store.info().await.expect_err("it is another log").to_string()])
    {
        assert!(error.contains("another log is there"), "{error}");
    }
    let options = PostgresStore::options(postgres::url()).schema(&schema);
    let again = options.open().await.expect("it opens");
    assert_eq!(again.info().await.expect("it answers").head.get(), 0);
}

#[tokio::test]
async fn a_log_that_is_written_meanwhile_does_not_go_by_accident() {
    let (store, schema) = store().await;
    let migrator = Migrator::connect(&postgres::url(), &schema).await.expect("it connects");
    let (mut writer, watch) = (connect(&postgres::url()).await, connect(&postgres::url()).await);
    let transaction = writer.transaction().await.expect("it begins");
    store.append_in(&transaction, unit(1)).await.expect("it is written");
    let down = tokio::spawn(async move { migrator.down(0, false).await });
    until(&watch, &waits(&schema)).await;
    transaction.commit().await.expect("it commits");
    let error = ends(down).await.expect("it does not panic").expect_err("it holds an event");
    assert!(matches!(error, OpenError::WouldDelete { events: 1, .. }), "{error:?}");
    assert_eq!(store.read(ReadRequest::all()).await.expect("it reads").len(), 1);
}

#[tokio::test]
async fn a_migration_that_nobody_waits_for_is_in_nobodys_way() {
    let (_, schema) = store().await;
    let migrator = Migrator::connect(&postgres::url(), &schema).await.expect("it connects");
    let (held, watch) = (connect(&postgres::url()).await, connect(&postgres::url()).await);
    let hold = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS SHARE MODE");
    held.batch_execute(&hold).await.expect("it may");
    let waits = waits(&schema);
    tokio::select! {
        _ = migrator.down(0, true) => panic!("the table is locked"),
        () = until(&watch, &waits) => {}
    }
    held.batch_execute("ROLLBACK").await.expect("it may");
    let other = Migrator::connect(&postgres::url(), &schema).await.expect("it connects");
    for migrator in [&other, &migrator] {
        ends(migrator.down(0, true)).await.expect("it goes down");
        assert_eq!(ends(migrator.current()).await.expect("it is empty"), 0);
        ends(migrator.up()).await.expect("it goes up");
    }
}

/// Whether somebody waits for a lock with a statement of a schema.
fn waits(schema: &str) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
         AND wait_event_type = 'Lock' AND query LIKE '%{schema}.%')"
    )
}

#[tokio::test]
async fn the_printed_script_makes_a_log() {
    let schema = postgres::schema();
    let client = connect(&postgres::url()).await;
    client.batch_execute(&script(&schema).expect("it is a name")).await.expect("it runs");
    let options = PostgresStore::options(postgres::url()).schema(&schema).migrate(false);
    let store = options.open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    assert!(script("not a name").is_err());
}
