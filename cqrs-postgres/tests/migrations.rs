//! The schema goes up and down, as often as one likes.

mod support;

use cqrs_core::store::EventStore;
use cqrs_postgres::{MIGRATIONS, Migrator, OpenError, PostgresStore, script};
use cqrs_testkit::postgres;
use support::{connect, store, unit};

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
async fn the_printed_script_makes_a_log() {
    let schema = postgres::schema();
    let client = connect(&postgres::url()).await;
    client.batch_execute(&script(&schema).expect("it is a name")).await.expect("it runs");
    let options = PostgresStore::options(postgres::url()).schema(&schema).migrate(false);
    let store = options.open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    assert!(script("not a name").is_err());
}
