//! Loading an aggregate from SQLite against rusqlite by hand, on a table that
//! is clustered by stream, read on a blocking thread as an asynchronous
//! application must.

use std::sync::{Arc, Mutex};

use cqrs_core::prelude::*;
use cqrs_core::store::EventStore;
use cqrs_sqlite::SqliteStore;
use rusqlite::{Connection, params};

use crate::account::{self, Account, AccountId, DETAILS, Numbers};
use crate::report::{Line, Report, timed};
use crate::{folder, runtime};

/// Account, its events, loads of it in a round.
const STREAMS: [(u64, usize, u64); 3] = [(1, 10, 4_000), (2, 1_000, 200), (3, 10_000, 20)];

pub(crate) fn run(report: &mut Report) {
    let names =
        ["10", "1,000", "10,000"].map(|n| format!("load of a stream of {n} events, SQLite"));
    if !names.iter().any(|name| report.wants(name)) {
        return;
    }
    let (runtime, folder) = (runtime(), folder());
    let payload = account::payload();
    let app = runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("log.db")).await.expect("it opens");
        let mut numbers = Numbers(0);
        // Other streams lie between, as in a real log.
        for round in 0..100 {
            for (account, events, _) in STREAMS {
                let unit =
                    numbers.unit(account, (events / 100).max(usize::from(round < 10)), &payload);
                store.commit(unit).await.expect("it commits");
            }
            let others = (0..50).map(|n| numbers.unit(1_000 + n, 4, &payload));
            for unit in others.collect::<Vec<_>>() {
                store.commit(unit).await.expect("it commits");
            }
        }
        App::builder().modules(modules![account]).store(store).without_projections().build()
    });
    let app = app.expect("the account is complete");
    let by_hand = Arc::new(Mutex::new(clustered(&folder.path().join("hand.db"), &payload)));
    for ((account, events, loads), name) in STREAMS.into_iter().zip(&names) {
        let count = loads * events as u64;
        let line = Line { name, aim: "≥ 0.7", unit: "events", count, rounds: 9 };
        let id = AccountId::from(account);
        let root = runtime.block_on(app.load::<Account>(&id)).expect("it loads");
        assert_eq!(root.version().get(), events as u64);
        let ours = || {
            timed(|| {
                runtime.block_on(async {
                    for _ in 0..loads {
                        let root = app.load::<Account>(&id).await.expect("it loads");
                        assert_eq!(root.state().cents, 500 * events as i64);
                    }
                });
            })
        };
        let hand = || {
            timed(|| {
                runtime.block_on(async {
                    for _ in 0..loads {
                        let connection = Arc::clone(&by_hand);
                        let load = tokio::task::spawn_blocking(move || fold(&connection, account));
                        assert_eq!(load.await.expect("it loads"), 500 * events as i64);
                    }
                });
            })
        };
        report.compare(&line, ours, hand);
    }
}

/// The same events in a table whose rows lie together by stream.
fn clustered(path: &std::path::Path, payload: &[u8]) -> Connection {
    let mut connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE events (stream INTEGER, version INTEGER, kind TEXT, payload BLOB,
                                  metadata BLOB, PRIMARY KEY (stream, version)) WITHOUT ROWID;",
        )
        .expect("the table can be created");
    let transaction = connection.transaction().expect("it begins");
    for (account, events, _) in STREAMS {
        for version in 1..=events {
            transaction
                .execute(
                    "INSERT INTO events VALUES (?, ?, 'account.deposited', ?, ?)",
                    params![account as i64, version as i64, payload, DETAILS],
                )
                .expect("it inserts");
        }
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

fn fold(connection: &Mutex<Connection>, account: u64) -> i64 {
    let connection = connection.lock().expect("nothing panics under the lock");
    let mut select = connection
        .prepare_cached(
            "SELECT version, kind, payload, metadata FROM events WHERE stream = ? ORDER BY version",
        )
        .expect("it prepares");
    let mut rows = select.query([account as i64]).expect("it reads");
    let mut cents = 0;
    while let Some(row) = rows.next().expect("it reads") {
        assert_eq!(row.get_ref(1).and_then(|kind| Ok(kind.as_str()?)), Ok("account.deposited"));
        let payload = row.get_ref(2).expect("a column").as_blob().expect("a blob");
        let content: Content = serde_json::from_slice(payload).expect("it decodes");
        cents += content.cents;
    }
    cents
}
