//! A reader that tails the log while many write, some slowly, some in vain,
//! and while other transactions are held open. The same rig loses events for a
//! reader that asks for `id > last`, so that it is known to see it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cqrs_core::store::{Cursor, EventStore, Position, ReadRequest, Store, StreamId};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use support::ledger;
use tokio_postgres::{Client, NoTls};

use crate::count;

const WRITERS: u64 = 8;

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it lets us in");
    tokio::spawn(connection);
    client
}

/// Holds a transaction open in another database, and one in this, each with a
/// transaction id.
async fn hold_open(server: &Server) -> Vec<Client> {
    let here = connect(&server.url()).await;
    here.batch_execute("CREATE DATABASE elsewhere").await.expect("it may");
    let url = server.url();
    let url = url.strip_suffix("/postgres").expect("a server has a database of this name");
    let elsewhere = connect(&format!("{url}/elsewhere")).await;
    for client in [&here, &elsewhere] {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id();";
        client.batch_execute(begin).await.expect("it may");
    }
    vec![here, elsewhere]
}

/// Takes the log's lock, waits, and rolls back, as a writer that is slow and
/// fails.
async fn disturb(url: String, stop: Arc<AtomicBool>) {
    let client = connect(&url).await;
    let row = client.query_one("SELECT id FROM cqrs.log", &[]).await.expect("it may");
    let (high, low) = row.get::<_, uuid::Uuid>(0).as_u64_pair();
    let lock = (high ^ low).cast_signed();
    while !stop.load(Ordering::Relaxed) {
        client.batch_execute("BEGIN").await.expect("it may");
        client.execute("SELECT pg_advisory_xact_lock($1)", &[&lock]).await.expect("it may");
        let half = "INSERT INTO cqrs.events SELECT max(position) + 1, 1, 0, 0, 1, 1,
                    gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, NULL, NULL,
                    NULL, NULL, ''::bytea FROM cqrs.events HAVING max(position) > 0";
        client.batch_execute(half).await.expect("it may");
        tokio::time::sleep(Duration::from_millis(15)).await;
        client.batch_execute("ROLLBACK").await.expect("it may");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_under_load_loses_doubles_and_inverts_nothing() {
    let server = Server::start();
    let units = count(4_000, 500_000);
    let open = async || {
        Store::new(PostgresStore::open(server.url()).await.expect("the server lets it in"))
    };
    // Two stores write, as two processes do; a third one reads.
    let (one, two, reader) = (open().await, open().await, open().await);
    let held = hold_open(&server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let slow = tokio::spawn(disturb(server.url(), Arc::clone(&stop)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            // One store has the most to write, and is disturbed by the other one
            // now and then: it goes both ways of writing.
            let is_rare = writer + 1 == WRITERS;
            let store = if is_rare { two.clone() } else { one.clone() };
            tokio::spawn(async move {
                for n in 0..units / WRITERS {
                    store.commit(ledger::unit(n * WRITERS + writer)).await.expect("it commits");
                    if is_rare && n % 50 == 0 {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            })
        })
        .collect();
    let expected: u64 = (0..units).map(ledger::events).sum();
    let log = reader.info().await.expect("it answers").log;
    let (mut position, mut versions) = (Position::NONE, HashMap::<StreamId, u64>::new());
    let (mut seen, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
    let mut watch = reader.watch();
    while seen < expected {
        let request = ReadRequest::all().resume(Cursor { log, position }).limit(1_000);
        let page = reader.read(request).await.expect("it can be read");
        for event in page.events() {
            assert_eq!(event.position().get(), seen + 1, "nothing is skipped, nothing comes twice");
            seen += 1;
            let version = versions.entry(event.stream().clone()).or_default();
            *version += 1;
            assert_eq!(event.version().get(), *version, "the order of a stream is kept");
        }
        if page.is_empty() {
            let poll = tokio::time::sleep(Duration::from_millis(200));
            tokio::select! { () = watch.above(position) => {}, () = poll => {} }
        } else {
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        position = Position::new(page.reached());
    }
    stop.store(true, Ordering::Relaxed);
    slow.await.expect("it ends");
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    assert_eq!(reader.info().await.expect("it answers").head.get(), expected);
    assert!(longest < Duration::from_secs(2), "delivery stood still for {longest:?}");
    drop(held);
}

/// The rig with a table whose numbers are given at the insert.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rig_loses_events_of_a_naive_reader() {
    let server = Server::start();
    let client = connect(&server.url()).await;
    let table = "CREATE TABLE naive (id bigserial PRIMARY KEY, writer bigint, n bigint)";
    client.batch_execute(table).await.expect("it may");
    let each = count(250, 5_000);
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let client = connect(&server.url()).await;
        writers.push(tokio::spawn(async move {
            for n in 0..each {
                client.batch_execute("BEGIN").await.expect("it may");
                let insert = "INSERT INTO naive (writer, n) VALUES ($1, $2)";
                let (writer, n) = (writer.cast_signed(), n.cast_signed());
                client.execute(insert, &[&writer, &n]).await.expect("it may");
                client.batch_execute("COMMIT").await.expect("it may");
            }
        }));
    }
    let (mut last, mut seen, mut quiet) = (0_i64, 0_u64, 0);
    while quiet < 10 {
        let newer = "SELECT id FROM naive WHERE id > $1 ORDER BY id";
        let rows = client.query(newer, &[&last]).await.expect("it may");
        seen += rows.len() as u64;
        quiet = if rows.is_empty() { quiet + 1 } else { 0 };
        last = rows.last().map_or(last, |row| row.get(0));
        if rows.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    assert!(seen < WRITERS * each, "the rig does not show what a naive reader loses");
}
