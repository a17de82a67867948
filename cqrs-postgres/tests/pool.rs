//! The connections that read: how many, how long, and what is known of them.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use std::time::Duration;

use cqrs_core::store::{EventStore, Page, ReadError, ReadRequest};
use cqrs_postgres::{PoolStatus, PostgresOptions, PostgresStore};
use support::{ends, fresh, hold, unit};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// A log with one event, that another store has written, and somebody who keeps
/// every read of it from ending.
async fn held(
    with: impl FnOnce(PostgresOptions) -> PostgresOptions,
) -> (PostgresStore, Client, String) {
    let (options, schema) = fresh();
    let writer = options.clone().open().await.expect("it opens");
    writer.commit(unit(1)).await.expect("it commits");
    let store = with(options).open().await.expect("it opens");
    let client = hold(&schema, "events").await;
    (store, client, schema)
}

fn read(store: &PostgresStore) -> JoinHandle<Result<Page, ReadError>> {
    let store = store.clone();
    tokio::spawn(async move { store.read(ReadRequest::all()).await })
}

/// Waits until the pool is as it has to be.
async fn until(store: &PostgresStore, is_so: impl Fn(PoolStatus) -> bool) {
    ends(async {
        while !is_so(store.pool_status()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn as_many_read_at_once_as_there_may_be_connections_and_the_others_wait() {
    for connections in [1, 3] {
        let (store, held, _) = held(|options| options.connections(connections)).await;
        let reads: Vec<_> = (0..5).map(|_| read(&store)).collect();
        until(&store, |pool| pool.open == connections && pool.waiting == 5 - connections).await;
        assert_eq!((store.pool_status().most, store.pool_status().idle), (connections, 0));
        held.batch_execute("ROLLBACK").await.expect("it may");
        for read in reads {
            assert_eq!(read.await.expect("it ends").expect("it reads").len(), 1);
        }
        assert_eq!((store.pool_status().waiting, store.pool_status().timed_out), (0, 0));
    }
}

#[tokio::test]
async fn who_may_not_wait_for_a_connection_is_told_at_once_and_counted() {
    let (store, held, _) = held(|options| options.connections(1).wait(Duration::ZERO)).await;
    let blocked = read(&store);
    until(&store, |pool| pool.open == 1 && pool.idle == 0).await;
    // By default each of these would wait for seconds.
    ends(async {
        for _ in 0..20 {
            let error = store.read(ReadRequest::all()).await.expect_err("nothing is free");
            let ReadError::Unavailable { reason } = &error else { panic!("{error:?}") };
            assert!(reason.contains("no connection became free"), "{reason}");
        }
    })
    .await;
    assert_eq!(store.pool_status().timed_out, 20);
    held.batch_execute("ROLLBACK").await.expect("it may");
    assert_eq!(blocked.await.expect("it ends").expect("it reads").len(), 1);
    until(&store, |pool| pool.idle == 1).await;
    assert_eq!(store.read(ReadRequest::all()).await.expect("it reads").len(), 1);
}

#[tokio::test]
async fn what_is_idle_for_too_long_is_closed_and_made_anew_when_it_is_needed() {
    let (options, _) = fresh();
    let store = options.idle(Duration::from_millis(10)).open().await.expect("it opens");
    until(&store, |pool| pool.open == 0).await;
    store.read(ReadRequest::all()).await.expect("it reads");
    until(&store, |pool| pool.open == 0).await;
}

#[cfg(feature = "metrics")]
mod figures {
    use std::collections::BTreeMap;

    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;

    /// What the pool of a store exports, by name.
    fn exported(store: &PostgresStore, schema: &str) -> BTreeMap<String, (String, f64)> {
        let recorder = DebuggingRecorder::new();
        metrics::with_local_recorder(&recorder, || store.record_pool());
        let snapshot = recorder.snapshotter().snapshot().into_vec();
        let exported = snapshot.into_iter().map(|(key, _, _, value)| {
            let labels: Vec<_> =
                key.key().labels().map(|label| (label.key(), label.value())).collect();
            assert_eq!(labels, [("schema", schema)]);
            let (kind, value) = match value {
                DebugValue::Counter(count) => ("counter", count as f64),
                DebugValue::Gauge(value) => ("gauge", value.into_inner()),
                DebugValue::Histogram(_) => ("histogram", 0.0),
            };
            (key.key().name().to_owned(), (kind.to_owned(), value))
        });
        exported.collect()
    }

    #[tokio::test]
    async fn what_the_pool_is_doing_is_exported_under_the_names_that_are_documented() {
        let (store, held, schema) = held(|options| options.connections(2)).await;
        let reads: Vec<_> = (0..5).map(|_| read(&store)).collect();
        until(&store, |pool| pool.open == 2 && pool.waiting == 3).await;

        let busy = exported(&store, &schema);
        held.batch_execute("ROLLBACK").await.expect("it may");
        for read in reads {
            read.await.expect("it ends").expect("it reads");
        }
        until(&store, |pool| pool.idle == 2).await;
        let idle = exported(&store, &schema);

        let of = |figures: &BTreeMap<String, (String, f64)>| {
            ["most", "open", "idle", "waiting", "timeouts_total"]
                .map(|name| figures[&format!("cqrs_pool_{name}")].1)
        };
        assert_eq!(of(&busy), [2.0, 2.0, 0.0, 3.0, 0.0]);
        assert_eq!(of(&idle), [2.0, 2.0, 2.0, 0.0, 0.0]);
        let table = include_str!("../../cqrs-core/docs/metrics.md");
        for (name, (kind, _)) in &busy {
            assert!(table.contains(&format!("| `{name}` | {kind} | `schema` |")), "{name} {kind}");
        }
        assert_eq!(table.matches("| `cqrs_pool_").count(), busy.len());
    }

    #[tokio::test]
    async fn who_has_waited_in_vain_is_exported() {
        let (store, _held, schema) =
            held(|options| options.connections(1).wait(Duration::ZERO)).await;
        let _blocked = read(&store);
        until(&store, |pool| pool.open == 1 && pool.idle == 0).await;
        ends(store.read(ReadRequest::all())).await.expect_err("nothing is free");
        assert_eq!(exported(&store, &schema)["cqrs_pool_timeouts_total"].1, 1.0);
    }
}
