//! The application is killed, again and again, while it appends.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::postgres::Server;
use support::ledger;

use crate::count;

/// Lets the process work for a while, kills it, and reads what it has said.
fn killed(mut process: Child, after: Duration) -> (HashSet<u64>, HashSet<u64>) {
    let lines = BufReader::new(process.stdout.take().expect("it has an output"));
    let reader = std::thread::spawn(move || {
        let (mut tried, mut acknowledged) = (HashSet::new(), HashSet::new());
        for line in lines.lines() {
            let line = line.expect("it says text");
            // The last line may be torn.
            let Some((word, number)) = line.split_once(' ') else { continue };
            let number = number.parse().expect("units are numbered");
            if word == "ack" {
                acknowledged.insert(number)
            } else {
                tried.insert(number)
            };
        }
        (tried, acknowledged)
    });
    std::thread::sleep(after);
    process.kill().expect("it can be killed");
    assert_eq!(process.wait().expect("it ends").code(), None, "it was killed and had not failed");
    reader.join().expect("what it said can be read")
}

async fn kill_often(place: &str, open: impl AsyncFn() -> Store) {
    let (mut tried, mut acknowledged) = (HashSet::new(), HashSet::new());
    for round in 0..count(5, 200) {
        let first = round * 1_000_000;
        let process = Command::new(env!("CARGO_BIN_EXE_appender"))
            .args([place, &first.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let after = Duration::from_millis(150 + round * 37 % 200);
        let (more_tried, more_acknowledged) = killed(process, after);
        tried.extend(more_tried);
        acknowledged.extend(more_acknowledged);
    }
    assert!(acknowledged.len() > 50, "it was killed before it had written");
    let found = ledger::check(&open().await, &tried, &acknowledged).await;
    assert!(found >= acknowledged.len() && found <= tried.len());
}

#[tokio::test]
async fn on_sqlite_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("log.db");
    let place = format!("sqlite:{}", path.display());
    kill_often(&place, async || {
        Store::new(SqliteStore::open(&path).await.expect("the file opens"))
    })
    .await;
}

#[tokio::test]
async fn on_postgres_nothing_acknowledged_is_lost() {
    let server = Server::start();
    kill_often(&server.url(), async || {
        Store::new(PostgresStore::open(server.url()).await.expect("the server lets it in"))
    })
    .await;
}
