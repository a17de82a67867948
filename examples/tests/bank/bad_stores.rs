//! Databases that cannot be opened, and those that stop in the middle.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use cqrs_sqlite::SqliteStore;
use examples::bank::{self, ImportError, Ledger};
use rusqlite::Connection;

use super::support::{Bank, Rejections, app, decimal, import, made_up};

#[test]
fn a_question_makes_no_database() {
    let bank = Bank::new();
    bank.run(&["report"]).said(2, &["bank.db: there is no such database"]);
    assert!(!bank.path("bank.db").exists());
}

#[test]
fn the_database_is_another_file() {
    let bank = Bank::new();
    bank.file("bank.db", "this is a text and no database".repeat(100));
    for command in ["import", "report"] {
        bank.run(&[command]).said(2, &["bank.db: ", "no intact SQLite database"]);
    }
    bank.run(&["import", "--store", "sqlite:."]).said(2, &[".: "]);
    bank.run(&["import", "--store", "sqlite:no/bank.db"]).said(2, &["folder does not exist"]);
}

#[test]
fn the_database_belongs_to_another_program() {
    let bank = Bank::new();
    let connection = Connection::open(bank.path("bank.db")).unwrap();
    connection.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    drop(connection);
    bank.run(&["import"]).said(2, &["tables of another program", "songs"]);
}

#[test]
fn the_database_is_of_a_later_release() {
    let bank = Bank::new();
    assert_eq!(bank.run(&["import"]).code, Some(0));
    let connection = Connection::open(bank.path("bank.db")).unwrap();
    connection.execute_batch("UPDATE log SET format = 99").unwrap();
    drop(connection);
    for command in ["import", "report"] {
        bank.run(&[command]).said(2, &["bank.db: has migration 99"]);
    }
}

#[test]
fn the_database_is_damaged() {
    let bank = Bank::new();
    let ledger = made_up(400, 10);
    bank.ledger("ledger.csv", &ledger.rows);
    assert_eq!(bank.run(&["import", "ledger.csv"]).code, Some(0));
    let path = bank.path("bank.db");
    let bytes = fs::metadata(&path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4_096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(bytes).unwrap() - 4_096]).unwrap();
    drop(file);
    for args in [&["report"][..], &["history", "a3"], &["import", "ledger.csv"]] {
        bank.run(args).said(2, &["bank.db"]);
    }
}

#[test]
fn the_database_is_locked() {
    let bank = Bank::new();
    assert_eq!(bank.run(&["import"]).code, Some(0));
    let connection = Connection::open(bank.path("bank.db")).unwrap();
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    bank.run(&["import"]).said(2, &["bank.db: ", "another process"]);
    drop(connection);
    assert_eq!(bank.json(&["import"], 0)["new_events"], 0);
}

#[tokio::test]
async fn a_full_disk_ends_the_import_and_the_next_one_goes_on() {
    let bank = Bank::new();
    let ledger = made_up(2_000, 40);
    let path = bank.ledger("ledger.csv", &ledger.rows);
    let database = bank.path("bank.db");
    let small = SqliteStore::options().path(&database).pragma("PRAGMA max_page_count = 60");
    {
        let app = app(small.open().await.unwrap());
        let ledger = Ledger::open(&path).unwrap();
        let stopped = bank::import(&app, ledger, &mut Rejections::default()).await.unwrap_err();
        assert!(matches!(stopped, ImportError::Bank { .. }), "{stopped:?}");
        let said = stopped.to_string();
        assert!(said.contains("ledger.csv:") && said.contains("full"), "{said}");
        app.shutdown().await;
    }
    let app = app(SqliteStore::open(&database).await.unwrap());
    let (done, rejected) = import(&app, &path).await;
    assert!(done.new_events > 0 && done.new_events < ledger.count, "{done:?}");
    assert_eq!((done.totals.events, rejected), (ledger.count, vec![]));
    assert_eq!(done.totals.sum.to_string(), decimal(ledger.sum));
}
