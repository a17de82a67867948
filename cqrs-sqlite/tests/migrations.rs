//! The tables go up and down, as often as one likes.

mod support;

use std::path::{Path, PathBuf};

use cqrs_core::store::EventStore;
use cqrs_sqlite::{MIGRATIONS, Migrator, OpenError, SqliteStore, script};
use support::{Dice, stream, unit};

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    (folder, path)
}

async fn migrator(path: &Path) -> Migrator {
    Migrator::connect(path).await.expect("it can be looked at")
}

fn newest() -> u32 {
    MIGRATIONS.len() as u32
}

/// The statements that made what is in a file.
fn schema(path: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(path).expect("SQLite opens it");
    let mut objects = database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .expect("it can be asked");
    let found = objects.query_map([], |row| row.get(0)).expect("it can be asked");
    found.collect::<Result<_, _>>().expect("it answers")
}

#[tokio::test]
async fn up_down_and_up_again() {
    let (_folder, path) = file();
    let migrator = migrator(&path).await;
    assert_eq!(migrator.current().await.expect("it is empty"), 0);
    assert!(!path.exists(), "looking made a file");
    let mut made = Vec::new();
    for _ in 0..2 {
        migrator.up().await.expect("it goes up");
        migrator.up().await.expect("there is nothing to do");
        assert_eq!(migrator.current().await.expect("it is there"), newest());
        made.push(schema(&path));
        migrator.down(0, false).await.expect("it goes down");
        migrator.down(0, false).await.expect("there is nothing to do");
        assert_eq!(migrator.current().await.expect("it is empty"), 0);
        assert_eq!(schema(&path), Vec::<String>::new());
    }
    assert_eq!(made[0], made[1]);
    let error = migrator.down(newest() + 1, false).await.expect_err("it is not known");
    assert!(matches!(error, OpenError::NoSuchMigration { .. }), "{error:?}");
}

#[tokio::test]
async fn each_migration_can_be_taken_back_alone_and_keeps_the_events() {
    let (_folder, path) = file();
    let migrator = migrator(&path).await;
    let store = SqliteStore::open(&path).await.expect("it opens");
    store.commit(unit(&mut Dice::new(1), stream("a", 1), "x")).await.expect("it commits");
    let log = store.info().await.expect("it answers");
    drop(store);
    for to in (1..newest()).rev() {
        migrator.down(to, false).await.expect("no event goes");
        assert_eq!(migrator.current().await.expect("it is there"), to);
    }
    for to in 1..=newest() {
        migrator.up_to(to).await.expect("it goes up");
        assert_eq!(migrator.current().await.expect("it is there"), to);
    }
    let store = SqliteStore::open(&path).await.expect("it opens");
    assert_eq!(store.info().await.expect("it answers"), log);
}

#[tokio::test]
async fn a_log_with_events_does_not_go_by_accident() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).await.expect("it opens");
    let mut dice = Dice::new(1);
    store.commit(unit(&mut dice, stream("a", 1), "x")).await.expect("it commits");
    let head = store.info().await.expect("it answers").head.get();
    let migrator = migrator(&path).await;
    let error = migrator.down(0, false).await.expect_err("it holds events");
    assert!(matches!(error, OpenError::WouldDelete { events, .. } if events == head), "{error:?}");
    assert_eq!(store.info().await.expect("it answers").head.get(), head);
    migrator.down(0, true).await.expect("it was meant");
    migrator.up().await.expect("it goes up");
    // The store believes in another log, says so, and writes nothing to this.
    let refused = store.commit(unit(&mut dice, stream("a", 2), "x")).await;
    let refused = refused.expect_err("it is another log").to_string();
    assert!(refused.contains("another log is there"), "{refused}");
    let refused = store.info().await.expect_err("it is another log").to_string();
    assert!(refused.contains("another log is there"), "{refused}");
    let again = SqliteStore::open(&path).await.expect("it opens");
    assert_eq!(again.info().await.expect("it answers").head.get(), 0);
}

#[tokio::test]
async fn what_somebody_has_changed_is_refused_and_what_they_added_is_not() {
    for (change, is_refused) in [
        ("DROP INDEX categories_of_tenant", true),
        ("ALTER TABLE events ADD COLUMN more TEXT", true),
        ("DROP TABLE snapshots", true),
        ("CREATE INDEX by_head ON heads (position)", false),
        ("CREATE TABLE notes (text TEXT)", false),
    ] {
        let (_folder, path) = file();
        migrator(&path).await.up().await.expect("it goes up");
        let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
        other.execute_batch(change).expect("it is changed");
        drop(other);
        let opened = SqliteStore::open(&path).await;
        match opened {
            Err(OpenError::Altered { .. }) => assert!(is_refused, "{change}"),
            other => assert!(other.is_ok() && !is_refused, "{change}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_file_as_it_was() {
    let (_folder, path) = file();
    let migrator = migrator(&path).await;
    migrator.up_to(1).await.expect("it goes up");
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute_batch("CREATE TABLE leases (mine TEXT)").expect("somebody has such a table");
    drop(other);
    let before = schema(&path);
    let error = migrator.up().await.expect_err("the name is taken");
    assert!(error.to_string().contains("leases"), "{error}");
    assert_eq!(schema(&path), before);
    assert_eq!(migrator.current().await.expect("it is there"), 1);
}

#[tokio::test]
async fn the_printed_script_makes_a_log() {
    let (_folder, path) = file();
    let database = rusqlite::Connection::open(&path).expect("SQLite opens it");
    database.execute_batch(&script()).expect("it runs");
    drop(database);
    let store = SqliteStore::options().path(&path).migrate(false).open().await.expect("it opens");
    store.commit(unit(&mut Dice::new(1), stream("a", 1), "x")).await.expect("it commits");
    let (_folder, other) = file();
    migrator(&other).await.up().await.expect("it goes up");
    assert_eq!(schema(&path), schema(&other));
}

#[tokio::test]
async fn without_leave_no_file_is_made_or_raised() {
    let (_folder, path) = file();
    let open = || SqliteStore::options().path(&path).migrate(false).open();
    let error = open().await.expect_err("it is not there");
    assert!(matches!(error, OpenError::NotMigrated { missing: 1, .. }), "{error:?}");
    assert!(!path.exists(), "it made a file");
    migrator(&path).await.up_to(newest() - 1).await.expect("it goes up");
    let error = open().await.expect_err("it lacks one");
    let lacks = |missing| missing == newest();
    assert!(matches!(error, OpenError::NotMigrated { missing, .. } if lacks(missing)), "{error:?}");
}

#[tokio::test]
async fn processes_that_raise_a_file_at_once_raise_it_once() {
    let (_folder, path) = file();
    let (one, two) = (migrator(&path).await, migrator(&path).await);
    let (one, two) = tokio::join!(one.up(), two.up());
    one.and(two).expect("one waits for the other");
    let store = SqliteStore::open(&path).await.expect("it opens");
    assert_eq!(store.info().await.expect("it answers").head.get(), 0);
}
