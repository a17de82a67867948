//! Bringing an archive into SQLite, against prepared inserts in transactions of
//! a thousand rows.

use std::path::Path;
use std::time::{Duration, Instant};

use cqrs_archive::Until;
use cqrs_sqlite::SqliteStore;
use rusqlite::{Connection, params};

use crate::archive::{self, EVENTS};
use crate::report::{Line, Report};
use crate::{folder, runtime};

pub(crate) fn run(report: &mut Report) {
    const NAME: &str = "import of an archive of 50,000 events, SQLite";
    if !report.wants(NAME) {
        return;
    }
    let (runtime, folder) = (runtime(), folder());
    let archive = runtime.block_on(archive::archive());
    let mut made = 0;
    let mut file = || {
        made += 1;
        folder.path().join(format!("{made}.db"))
    };
    let line = Line { name: NAME, aim: "", unit: "events", count: EVENTS, rounds: 7 };
    let files: Vec<_> = (0..2 * (line.rounds + 1)).map(|_| file()).collect();
    let (mut ours_into, mut hand_into) = (files.iter().step_by(2), files.iter().skip(1).step_by(2));
    let ours =
        || runtime.block_on(ours(&archive, ours_into.next().expect("each round has a file")));
    let by_hand = || by_hand(&archive, hand_into.next().expect("each round has a file"));
    report.compare(&line, ours, by_hand);
}

async fn ours(archive: &[u8], file: &Path) -> Duration {
    let store = SqliteStore::open(file).await.expect("it opens");
    let start = Instant::now();
    let imported = cqrs_archive::import(archive, &store, Until::End).await.expect("it is whole");
    let took = start.elapsed();
    assert_eq!(imported.events, EVENTS);
    took
}

fn by_hand(archive: &[u8], file: &Path) -> Duration {
    let mut connection = Connection::open(file).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL,
                 version INTEGER NOT NULL, type TEXT NOT NULL, payload TEXT NOT NULL,
                 metadata TEXT NOT NULL, UNIQUE (stream, version))",
        )
        .expect("it is ours");
    let insert = "INSERT INTO events (stream, version, type, payload, metadata) \
                  VALUES (?1, ?2, ?3, ?4, ?5)";
    let start = Instant::now();
    let mut rows = archive::rows(archive).peekable();
    while rows.peek().is_some() {
        let transaction = connection.transaction().expect("it begins");
        let mut statement = transaction.prepare_cached(insert).expect("it is a statement");
        for row in rows.by_ref().take(1_000) {
            let stream = row.stream();
            statement
                .execute(params![stream, row.version, row.event_type, row.payload, row.details])
                .expect("it is new");
        }
        drop(statement);
        transaction.commit().expect("it commits");
    }
    start.elapsed()
}
