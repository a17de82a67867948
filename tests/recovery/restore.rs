//! A dump that is restored is another log, and so is a standby that is promoted.

use std::time::Duration;

use cqrs_core::prelude::*;
use cqrs_core::projection::{ProjectionState, View};
use cqrs_core::store::{Cursor, EventStore, ReadError, ReadRequest, Store};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use support::bank::{AccountId, Balances, Deposit, Open};
use support::ledger;

const PATIENCE: Duration = Duration::from_secs(60);

async fn open(server: &Server) -> PostgresStore {
    PostgresStore::open(server.url()).await.expect("the server lets it in")
}

fn app(store: PostgresStore) -> App {
    let modules = cqrs_core::modules![support::bank];
    App::builder().modules(modules).store(store).build().expect("the bank is complete")
}

async fn deposit(app: &App, account: &str, cents: i64) {
    let account = account.into();
    app.execute(Deposit { account, cents }).await.expect("it is accepted");
}

async fn balances(view: View<Balances>) -> Vec<(AccountId, i64)> {
    view.all().await.expect("they can be read")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_dump_refuses_old_cursors_and_read_models_are_made_anew() {
    let (old, new) = (Server::start(), Server::start());
    let store = open(&old).await;
    let first = app(store.clone());
    for account in ["a", "b", "c"] {
        let open = Open { account: account.into(), owner: "Ada".into() };
        first.execute(open).await.expect("it is accepted");
        deposit(&first, account, 100).await;
    }
    let dump = old.dump();
    // What comes behind the dump is lost with the old server, in the log and
    // in the read model.
    deposit(&first, "a", 1_000).await;
    first.catch_up(PATIENCE).await.expect("it follows");
    let info = store.info().await.expect("it answers");
    first.shutdown().await;

    new.load(&dump);
    let restored = open(&new).await;
    let found = restored.info().await.expect("it answers");
    assert_ne!(found.log, info.log);
    assert_eq!(found.head.get(), info.head.get() - 1);
    let cursor = Cursor { log: info.log, position: info.head };
    let refused = restored.read(ReadRequest::all().resume(cursor)).await;
    let Err(ReadError::OtherLog { cursor, log }) = refused else { panic!("{refused:?}") };
    assert_eq!((cursor, log), (info.log, found.log));

    let second = app(restored.clone());
    second.catch_up(PATIENCE).await.expect("it follows");
    let account = |name: &str| AccountId::from(name);
    let expected = [(account("a"), 100), (account("b"), 100), (account("c"), 100)];
    assert_eq!(balances(second.view()).await, expected);
    // The log goes on where the dump ended, and opening it again changes
    // nothing more.
    deposit(&second, "a", 1).await;
    second.catch_up(PATIENCE).await.expect("it follows");
    assert_eq!(balances(second.view()).await[0], (account("a"), 101));
    assert!(second.projections().iter().all(|one| one.state == ProjectionState::Live));
    let again = open(&new).await.info().await.expect("it answers");
    assert_eq!(again.log, found.log);
    let events = ledger::all(&Store::new(restored)).await;
    assert_eq!(events.len() as u64, again.head.get());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_in_a_dump_is_made_anew_from_what_is_there() {
    let (old, new) = (Server::start(), Server::start());
    let first = app(open(&old).await);
    let open_account = Open { account: "a".into(), owner: "Ada".into() };
    first.execute(open_account).await.expect("it is accepted");
    deposit(&first, "a", 5).await;
    first.catch_up(PATIENCE).await.expect("it follows");
    let before = balances(first.view()).await;
    let dump = old.dump();
    first.shutdown().await;
    new.load(&dump);
    let second = app(open(&new).await);
    second.catch_up(PATIENCE).await.expect("it follows");
    assert_eq!(balances(second.view()).await, before);
}

/// The checkpoint that would name its timeline is minutes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_standby_is_another_log_from_the_first_moment() {
    let primary = Server::start();
    let store = open(&primary).await;
    for number in 0..200 {
        store.commit(ledger::unit(number)).await.expect("it commits");
    }
    let before = store.info().await.expect("it answers");
    let standby = primary.standby(&["checkpoint_timeout=1h"]);
    let refused = PostgresStore::open(standby.url()).await.expect_err("it is a standby");
    assert!(refused.to_string().contains("connect to the primary"), "{refused}");
    standby.promote();
    let promoted = open(&standby).await.info().await.expect("it answers");
    assert_ne!(promoted.log, before.log, "the primary may have gone on");
    assert_eq!(promoted.head, before.head);
    // It stays the same one, also behind the checkpoint.
    let owner = standby.url();
    let (client, connection) =
        tokio_postgres::connect(&owner, tokio_postgres::NoTls).await.expect("it lets us in");
    tokio::spawn(connection);
    client.batch_execute("CHECKPOINT").await.expect("it may");
    let again = open(&standby).await.info().await.expect("it answers");
    assert_eq!(again.log, promoted.log);
    assert_eq!(store.info().await.expect("it answers").log, before.log);
}
