//! What happens to a store while it runs.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use std::time::Duration;

use cqrs_core::store::{CommitError, EventStore, ReadRequest};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres;
use support::{connect, fresh, hold, run, store, unit};

#[tokio::test]
async fn a_statement_that_runs_out_of_time_has_written_nothing() {
    let (_, schema) = store().await;
    let role = format!("hasty_{schema}");
    run(
        &schema,
        &format!(
            "CREATE ROLE {role} LOGIN SUPERUSER; ALTER ROLE {role} SET statement_timeout = 200"
        ),
    )
    .await;
    let url = postgres::url().replace("postgres@", &format!("{role}@"));
    let store = PostgresStore::options(url).schema(&schema).open().await.expect("it opens");
    let held = hold(&schema, "events").await;
    let error = store.commit(unit(1)).await.expect_err("the table is locked");
    let CommitError::Unavailable { reason, transient: true } = &error else { panic!("{error:?}") };
    assert!(reason.contains("statement_timeout"), "{reason}");
    held.batch_execute("ROLLBACK").await.expect("it may");
    store.commit(unit(1)).await.expect("it commits now");
    assert_eq!(store.info().await.expect("it answers").head.get(), 1);
}

#[tokio::test]
async fn a_log_that_was_replaced_under_the_store_is_not_written() {
    let (store, schema) = store().await;
    store.commit(unit(1)).await.expect("it commits");
    run(&schema, "UPDATE @.log SET id = gen_random_uuid()").await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
               AND query LIKE '%@.%'";
    run(&schema, cut).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = store.commit(unit(2)).await.expect_err("another log is there");
    assert!(error.to_string().contains("another log is there"), "{error}");
}

/// Payloads are bytes; as `jsonb` they are for queries, and NULL where that
/// cannot be.
#[tokio::test]
async fn payloads_can_be_queried_as_json_and_stay_what_they_are() {
    let (store, schema) = store().await;
    let column = "ALTER TABLE @.events ADD COLUMN json jsonb
                  GENERATED ALWAYS AS (@.as_json(payload)) STORED";
    run(&schema, column).await;
    let payloads: [&[u8]; 6] = [
        br#"{"b":1,"a":2,"a":3}"#,
        br#"{"text":"\u0000"}"#,
        b"not json",
        b"\xff\xfe",
        br#"{"n":1e400000}"#,
        b"",
    ];
    for (number, payload) in (0..).zip(payloads) {
        store.commit(support::with_payload(number, payload)).await.expect("it commits");
    }
    let page = store.read(ReadRequest::all()).await.expect("it reads");
    assert!(page.events().zip(payloads).all(|(event, payload)| event.payload() == payload));
    let client = connect(&postgres::url()).await;
    for from in ["events", "readable"] {
        let query = format!("SELECT json::text FROM {schema}.{from} ORDER BY position");
        let rows = client.query(&query, &[]).await.expect("it may");
        let found: Vec<Option<String>> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found[0].as_deref(), Some(r#"{"a": 3, "b": 1}"#), "{from}");
        assert!(found[1..].iter().all(Option::is_none), "{from}: {found:?}");
    }
}

#[tokio::test]
async fn the_lock_of_a_stream_has_one_holder_among_processes() {
    let (options, _) = fresh();
    let (one, two) = (options.clone().open().await, options.open().await);
    let (one, two) = (one.expect("it opens"), two.expect("it opens"));
    let stream = cqrs_core::store::StreamId::new("account", "1").expect("it is a name");
    let other = cqrs_core::store::StreamId::new("account", "2").expect("it is a name");
    let soon = Duration::from_millis(100);
    let held = one.lock(&stream, soon).await.expect("it answers").expect("it is free");
    assert!(two.lock(&stream, soon).await.expect("it answers").is_none());
    assert!(two.lock(&other, soon).await.expect("it answers").is_some());
    let waiting = tokio::spawn({
        let stream = stream.clone();
        async move { two.lock(&stream, Duration::from_secs(20)).await }
    });
    tokio::time::sleep(soon).await;
    assert!(held.is_held().await);
    drop(held);
    let next = waiting.await.expect("it ends").expect("it answers").expect("it is free now");
    assert!(one.lock(&stream, soon).await.expect("it answers").is_none());
    // Appending needs no lock: who does not ask for it is not held up.
    one.commit(unit(1)).await.expect("it commits");
    drop(next);
    assert!(one.lock(&stream, Duration::from_secs(20)).await.expect("it answers").is_some());
}

#[tokio::test]
async fn a_commit_wakes_other_processes() {
    let (options, _) = fresh();
    let one = options.clone().open().await.expect("it opens");
    let two = options.open().await.expect("it opens");
    // The listener connects behind the opening.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for number in 1..=5 {
        let mut watch = two.watch();
        one.commit(unit(number)).await.expect("it commits");
        let woken = tokio::time::timeout(
            Duration::from_secs(5),
            watch.above(cqrs_core::store::Position::new(number - 1)),
        );
        woken.await.expect("the other process is woken");
    }
}

#[tokio::test]
async fn a_read_whose_connection_was_cut_is_run_again() {
    let (options, schema) = fresh();
    let store = options.connections(2).open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE pid <> pg_backend_pid() AND query LIKE '%@.%'";
    for _ in 0..5 {
        let held = hold(&schema, "events").await;
        let blocked = tokio::spawn({
            let store = store.clone();
            async move { store.read(ReadRequest::all()).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        run(&schema, &format!("{cut} AND wait_event_type = 'Lock'")).await;
        held.batch_execute("ROLLBACK").await.expect("it may");
        assert_eq!(blocked.await.expect("it ends").expect("it reads").len(), 1);
        run(&schema, cut).await;
        assert_eq!(store.read(ReadRequest::all()).await.expect("it reads").len(), 1);
    }
}
