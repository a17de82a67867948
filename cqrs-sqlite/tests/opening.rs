//! What keeps a store from opening has a type and a message that helps.

mod support;

use std::path::Path;
use std::time::Duration;

use cqrs_core::store::EventStore;
use cqrs_sqlite::{OpenError, SqliteStore};
use support::{Dice, stream, unit};

async fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path).await.expect_err("the store does not open")
}

async fn filled(path: &Path) {
    let store = SqliteStore::open(path).await.expect("the store opens");
    let mut dice = Dice::new(1);
    for key in 0..50 {
        store.commit(unit(&mut dice, stream("account", key), "x")).await.expect("it commits");
    }
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = refused(&folder.path().join("missing/log.db")).await;
    assert!(matches!(error, OpenError::NoFolder { .. }), "{error:?}");
    assert!(error.to_string().contains("missing/log.db: its folder does not exist"), "{error}");
}

#[tokio::test]
async fn a_text_file_is_no_database_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let text = "remember the milk\n".repeat(400);
    std::fs::write(&path, &text).expect("a file");
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
}

#[tokio::test]
async fn a_database_with_a_damaged_beginning_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    filled(&path).await;
    let mut bytes = std::fs::read(&path).expect("the file");
    bytes[100..4096].fill(0xA5);
    std::fs::write(&path, bytes).expect("the file");
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
}

#[tokio::test]
async fn a_truncated_database_gives_typed_errors_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    filled(&path).await;
    let bytes = std::fs::read(&path).expect("the file");
    for keep in (1..bytes.len() / 4096).rev() {
        std::fs::write(&path, &bytes[..keep * 4096]).expect("the file");
        let Ok(store) = SqliteStore::open(&path).await else { continue };
        let _ = store.read(cqrs_core::store::ReadRequest::all()).await;
        let _ = store.read(cqrs_core::store::ReadRequest::stream(stream("account", 3))).await;
        let mut dice = Dice::new(2);
        let _ = store.commit(unit(&mut dice, stream("account", 60), "y")).await;
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute_batch("CREATE TABLE customers (name TEXT)").expect("a table");
    drop(other);
    let before = std::fs::read(&path).expect("the file");
    let error = refused(&path).await;
    assert!(
        matches!(&error, OpenError::Foreign { table, .. } if table == "customers"),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&path).expect("the file"), before);
}

#[tokio::test]
async fn a_file_of_a_later_release_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    filled(&path).await;
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other.execute("UPDATE log SET format = 99", []).expect("the format");
    drop(other);
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_that_another_process_locks_is_said_to_be_locked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    filled(&path).await;
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE log SET format = 1",
        )
        .expect("the lock");
    let options = SqliteStore::options().path(&path).busy_timeout(Duration::from_millis(20));
    let error = options.open().await.expect_err("the store does not open");
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "another process's lock has no clock of ours")]
async fn a_locked_database_is_waited_for_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    filled(&path).await;
    let other = rusqlite::Connection::open(&path).expect("SQLite opens it");
    other
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE log SET format = 1",
        )
        .expect("the lock");
    let patience = Duration::from_secs(1);
    let since = std::time::Instant::now();
    let opened = SqliteStore::options().path(&path).busy_timeout(patience).open().await;
    let waited = since.elapsed();
    assert!(matches!(opened, Err(OpenError::Locked { .. })), "{opened:?}");
    assert!(waited >= patience.mul_f64(0.9), "it gave up after {waited:?}");
    assert!(waited < patience.mul_f64(1.7), "it waited {waited:?} for a lock");
}

#[tokio::test]
async fn a_path_that_looks_like_a_uri_is_a_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file:log.db?mode=memory");
    filled(&path).await;
    assert!(path.is_file());
}

#[tokio::test]
async fn opening_the_same_new_file_at_once_makes_one_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    let open = || SqliteStore::open(path.clone());
    let (one, two, three) = tokio::join!(open(), open(), open());
    let mut logs = Vec::new();
    for store in [one, two, three] {
        logs.push(store.expect("the store opens").info().await.expect("it answers").log);
    }
    assert!(logs.iter().all(|log| *log == logs[0]), "{logs:?}");
}
