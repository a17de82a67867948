//! The server is killed, and connections are cut, while an application
//! appends. The application goes on without a restart.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::store::{CommitError, EventStore, Store};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use support::ledger;

use crate::count;
use crate::proxy::Proxy;

const CALLERS: usize = 8;

/// What the callers have tried, and what was acknowledged or resolved.
#[derive(Default)]
struct Account {
    next: AtomicU64,
    stop: AtomicBool,
    sets: Mutex<(HashSet<u64>, HashSet<u64>)>,
    unknown: AtomicU64,
    unavailable: AtomicU64,
}

impl Account {
    fn acknowledge(&self, number: u64) {
        self.sets.lock().expect("nothing panics here").1.insert(number);
    }
}

/// Appends until it is told to stop, as an application does that takes care.
async fn append(store: Store, account: Arc<Account>) {
    while !account.stop.load(Ordering::Relaxed) {
        let number = account.next.fetch_add(1, Ordering::Relaxed);
        account.sets.lock().expect("nothing panics here").0.insert(number);
        let mut unit = ledger::unit(number);
        loop {
            match store.commit(unit).await {
                Ok(_) => break account.acknowledge(number),
                Err(CommitError::Unavailable { transient: true, .. }) => {
                    account.unavailable.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                // Repeating is safe: the operation tells it apart.
                Err(CommitError::Unknown { .. }) => {
                    account.unknown.fetch_add(1, Ordering::Relaxed);
                }
                Err(other) => panic!("{other}"),
            }
            unit = ledger::again(number);
        }
    }
}

async fn while_appending(store: &Store, disturb: impl AsyncFnOnce()) {
    let account = Arc::new(Account::default());
    let callers: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(append(store.clone(), Arc::clone(&account)))).collect();
    disturb().await;
    account.stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("the caller ends");
    }
    let (tried, acknowledged) =
        std::mem::take(&mut *account.sets.lock().expect("nothing panics here"));
    assert!(acknowledged.len() > 100, "hardly anything was written");
    let found = ledger::check(store, &tried, &acknowledged).await;
    assert_eq!(found, acknowledged.len(), "who went on until it was known has it all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_and_is_used_again() {
    let mut server = Server::start();
    let options = PostgresStore::options(server.url()).patience(Duration::from_millis(300));
    let store = Store::new(options.open().await.expect("the server lets it in"));
    while_appending(&store, async || {
        for round in 0..count(3, 20) {
            tokio::time::sleep(Duration::from_millis(300 + round * 53 % 200)).await;
            tokio::task::block_in_place(|| {
                server.kill();
                std::thread::sleep(Duration::from_millis(if round % 2 == 0 { 50 } else { 600 }));
                server.restart();
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing_and_nobody_notices() {
    let server = Server::start();
    let store = PostgresStore::open(server.url()).await.expect("the server lets it in");
    let store = Store::new(store);
    let (other, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
        .await
        .expect("the server lets it in");
    tokio::spawn(connection);
    while_appending(&store, async || {
        for _ in 0..count(20, 300) {
            tokio::time::sleep(Duration::from_millis(25)).await;
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE application_name = 'cqrs' AND pid <> pg_backend_pid()";
            other.query(cut, &[]).await.expect("it may");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
}

/// The statement has committed, and its answer is lost with the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_found_on_another_connection() {
    let server = Server::start();
    let proxy = Proxy::start(&server);
    let store = PostgresStore::open(proxy.url()).await.expect("the server lets it in");
    let store = Store::new(store);
    while_appending(&store, async || {
        for _ in 0..count(20, 500) {
            proxy.lose(1);
            while !proxy.is_done() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    })
    .await;
}

/// A fresh unit whose answer is lost is acknowledged all the same, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_alone_whose_answer_is_lost_is_acknowledged() {
    let server = Server::start();
    let proxy = Proxy::start(&server);
    let store = PostgresStore::open(proxy.url()).await.expect("the server lets it in");
    let store = Store::new(store);
    for number in 0..30 {
        // The first one of a stream goes under the lock, the others behind the
        // head.
        if number % 3 != 0 {
            proxy.lose(1);
        }
        let commit = store.commit(ledger::unit(number)).await.expect("it is found");
        assert!(proxy.is_done() && !commit.is_repeated());
        assert_eq!(commit.streams().len(), 1);
    }
    let all = (0..30).collect();
    assert_eq!(ledger::check(&store, &all, &all).await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_is_waited_for() {
    let server = Server::start();
    let store = PostgresStore::open(server.url()).await.expect("the server lets it in");
    let store = Store::new(store);
    let writer = backend_of(&server).await;
    while_appending(&store, async || {
        for _ in 0..count(3, 30) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            signal(writer, "STOP");
            tokio::time::sleep(Duration::from_millis(300)).await;
            signal(writer, "CONT");
        }
    })
    .await;
}

/// The server's process that writes.
pub(crate) async fn backend_of(server: &Server) -> i32 {
    let (other, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
        .await
        .expect("the server lets it in");
    tokio::spawn(connection);
    let oldest = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cqrs'
                  ORDER BY backend_start LIMIT 1";
    other.query_one(oldest, &[]).await.expect("it may").get(0)
}

pub(crate) fn signal(process: i32, signal: &str) {
    let sent = std::process::Command::new("kill")
        .args([format!("-{signal}"), process.to_string()])
        .status()
        .expect("a signal can be sent");
    assert!(sent.success());
}
