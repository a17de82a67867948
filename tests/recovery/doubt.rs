//! What was sent on a connection that broke, and runs later or has run unseen.

use std::time::Duration;

use cqrs_core::prelude::*;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Operation, StreamId, StreamVersion, TableName,
    UnitOfWork,
};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use support::ledger;

use crate::proxy::Proxy;
use crate::server::{backend_of, signal};

const ROWS: TableName = TableName::named("rows");

/// A value that the proxy takes for something that is written.
fn put(number: u64, part: u64) -> UnitOfWork {
    let fresh = Operation::fresh(ledger::operation(number));
    let value = format!("{{\"unit\":{number},\"part\":{part}}}");
    UnitOfWork::new(fresh, Timestamp::EPOCH).put(ROWS, "k", value)
}

async fn row(store: &PostgresStore) -> String {
    let found = store.row(&ROWS, b"k").await.expect("it answers").expect("it is there");
    String::from_utf8_lossy(&found).into_owned()
}

/// The server's process is idle meanwhile: the statement is on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_arrives_late_changes_nothing() {
    let server = Server::start();
    let proxy = Proxy::start(&server);
    let store = PostgresStore::open(proxy.url()).await.expect("the server lets it in");
    store.commit(put(1, 0)).await.expect("it commits");
    proxy.hold();
    store.commit(put(2, 0)).await.expect("it commits on another connection");
    store.commit(put(3, 0)).await.expect("it commits");
    proxy.release().await;
    assert_eq!(row(&store).await, "{\"unit\":3,\"part\":0}", "what was held has run");
}

/// The process of the first one stands still with a statement before it; the
/// connections after it break as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_that_broke_is_waited_for() {
    let server = Server::start();
    let proxy = Proxy::start(&server);
    let options = PostgresStore::options(proxy.url()).patience(Duration::from_secs(2));
    let store = options.open().await.expect("the server lets it in");
    store.commit(put(1, 0)).await.expect("it commits");
    let first = backend_of(&server).await;
    signal(first, "STOP");
    let unit = tokio::spawn(store.commit(put(2, 0)));
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.cut();
    }
    let outcome = unit.await.expect("it ends");
    let early = store.commit(put(3, 0)).await;
    signal(first, "CONT");
    assert!(matches!(outcome, Err(CommitError::Unknown { .. })), "{outcome:?}");
    let waits = matches!(early, Err(CommitError::Unavailable { transient: true, .. }));
    assert!(waits, "the first one may run still: {early:?}");
    while store.commit(put(4, 0)).await.is_err() {}
    assert_eq!(row(&store).await, "{\"unit\":4,\"part\":0}");
}

/// Both were one transaction, which has committed unseen. What the second one
/// wrote now refuses the first, of which nothing is recorded.
#[tokio::test]
async fn what_would_be_refused_by_its_own_group_is_unknown() {
    let server = Server::start();
    let proxy = Proxy::start(&server);
    let store = PostgresStore::open(proxy.url()).await.expect("the server lets it in");
    // The units of the ledger have 1 to 3 events in 7 streams.
    let stream = StreamId::new("ledger", "1").expect("it is a name");
    let none = ExpectedVersion::Exact(StreamVersion::NONE);
    let first = put(100, 0).append(stream.clone(), none, Vec::new());
    proxy.lose(1);
    let (first, second) = (store.commit(first), store.commit(ledger::unit(1)));
    let (first, second) = (first.await, second.await);
    assert!(proxy.is_done());
    second.expect("it is found");
    assert!(matches!(first, Err(CommitError::Unknown { .. })), "it has committed: {first:?}");
    assert_eq!(row(&store).await, "{\"unit\":100,\"part\":0}");
    // Without doubt, the same is refused for certain.
    let refused = store.commit(put(101, 0).append(stream, none, Vec::new())).await;
    assert!(matches!(refused, Err(CommitError::Conflict { .. })), "{refused:?}");
}
