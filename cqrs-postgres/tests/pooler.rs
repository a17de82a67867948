//! Connection poolers: one in session mode serves, one in transaction mode is
//! refused.

mod support;

use cqrs_core::store::EventStore;
use cqrs_postgres::{OpenError, PostgresStore};
use cqrs_testkit::postgres::{Pooler, Server};
use support::{refused, unit};

#[tokio::test]
async fn one_in_transaction_mode_is_refused_with_the_reason() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "transaction");
    // The server's own connection first, so that there is a log.
    PostgresStore::open(server.url()).await.expect("it opens");
    let error = refused(PostgresStore::options(pooler.url())).await;
    assert!(matches!(error, OpenError::Pooler { .. }), "{error:?}");
    assert!(error.to_string().contains("session mode"), "{error}");
}

#[tokio::test]
async fn one_in_session_mode_serves() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "session");
    let store = PostgresStore::options(pooler.url()).connections(2).open().await;
    let store = store.expect("it opens");
    for number in 0..20 {
        store.commit(unit(number)).await.expect("it commits");
    }
    assert_eq!(store.info().await.expect("it answers").head.get(), 20);
}
