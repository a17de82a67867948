//! 100,000 events into a read model, against a scan, decode and apply by
//! hand that ends in one transaction of rows.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_core::prelude::*;
use cqrs_core::projection::Projection;
use cqrs_core::store::{EventStore, Operation, UnitOfWork};
use cqrs_sqlite::SqliteStore;
use rusqlite::{Connection, params};

use crate::account::{self, Balances, DETAILS, Numbers};
use crate::report::{Line, Report, timed};
use crate::{folder, runtime};

const EVENTS: u64 = 100_000;
const STREAMS: u64 = 1_000;

pub(crate) fn run(report: &mut Report) {
    const NAME: &str = "scan of 100,000 events into a projection, SQLite";
    if !report.wants(NAME) {
        return;
    }
    let (runtime, folder) = (runtime(), folder());
    let payload = account::payload();
    let store = runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("log.db")).await.expect("it opens");
        let mut numbers = Numbers(0);
        for n in 0..EVENTS / 10 {
            store.commit(numbers.unit(n % STREAMS, 10, &payload)).await.expect("it commits");
        }
        store
    });
    let mut by_hand = table(&folder.path().join("hand.db"), &payload);
    let line = Line { name: NAME, aim: "≥ 0.8", unit: "events", count: EVENTS, rounds: 7 };
    let ours = || {
        runtime.block_on(async {
            reset(&store).await;
            let start = std::time::Instant::now();
            let app = App::new(modules![account], store.clone()).expect("it is complete");
            app.catch_up(Duration::from_secs(60)).await.expect("it catches up");
            let elapsed = start.elapsed();
            app.shutdown().await;
            elapsed
        })
    };
    report.compare(&line, ours, || timed(|| scan(&mut by_hand)));
}

/// Sends the projection back to the beginning.
async fn reset(store: &SqliteStore) {
    let name = Balances::checkpoint();
    let checkpoint = store.claim_checkpoint(&name).await.expect("it can be claimed");
    let id = uuid::Uuid::from_u64_pair(checkpoint.epoch.get(), 0x8000_0000_0000_0000);
    let work = UnitOfWork::new(Operation::fresh(id.into()), Timestamp::EPOCH)
        .clear(Balances::table())
        .advance_checkpoint(name, checkpoint.epoch, None);
    store.commit(work).await.expect("it commits");
}

fn table(path: &std::path::Path, payload: &[u8]) -> Connection {
    let mut connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER, version INTEGER,
                                  kind TEXT, payload BLOB, metadata BLOB);
             CREATE TABLE balances (stream INTEGER PRIMARY KEY, cents INTEGER);",
        )
        .expect("the tables can be created");
    let transaction = connection.transaction().expect("it begins");
    for n in 0..EVENTS {
        let (stream, version) = ((n / 10) % STREAMS, n / STREAMS);
        transaction
            .execute(
                "INSERT INTO events VALUES (?, ?, ?, 'account.deposited', ?, ?)",
                params![n as i64, stream as i64, version as i64, payload, DETAILS],
            )
            .expect("it inserts");
    }
    transaction.commit().expect("it commits");
    connection
}

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "a whole event is decoded")]
struct Content {
    cents: i64,
    reference: String,
    note: String,
}

fn scan(connection: &mut Connection) {
    let mut balances: HashMap<i64, i64> = HashMap::new();
    {
        let mut select = connection
            .prepare_cached("SELECT stream, kind, payload FROM events ORDER BY position")
            .expect("it prepares");
        let mut rows = select.query([]).expect("it reads");
        while let Some(row) = rows.next().expect("it reads") {
            let stream = row.get(0).expect("a number");
            let payload = row.get_ref(2).expect("a column").as_blob().expect("a blob");
            let content: Content = serde_json::from_slice(payload).expect("it decodes");
            *balances.entry(stream).or_default() += content.cents;
        }
    }
    let transaction = connection.transaction().expect("it begins");
    for (stream, cents) in balances {
        transaction
            .execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", params![stream, cents])
            .expect("it inserts");
    }
    transaction.commit().expect("it commits");
}
