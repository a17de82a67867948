//! A log with everything in it that a store keeps, what is read of it, and that
//! it goes on.

use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::bus::Origin;
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, Holder, LeaseName, ReadRequest, RecordedEvent, Store, StreamId,
};
use cqrs_testkit::{ManualClock, SequentialIds};
use serde_json::{Value, json};
use support::bank::*;

const BILLING: LeaseName = LeaseName::named("billing");

fn app(store: Store, clock: &ManualClock) -> App {
    let builder = App::builder().modules(modules![support::bank]).store(store);
    builder.clock(clock.clone()).ids(SequentialIds::new()).build().unwrap()
}

/// Fills a new log with everything that a store keeps.
pub(crate) async fn fill(store: Store) {
    let clock = ManualClock::new();
    let given = store.acquire_lease(&BILLING, &Holder::named("host-1"), Duration::MAX).await;
    given.unwrap().unwrap();
    let app = app(store, &clock);
    let ada = || AccountId::from("ada");
    app.execute(Open { account: ada(), owner: "Ada".into() }).await.unwrap();
    for cents in 1..=11 {
        clock.advance(Duration::from_millis(1_500));
        app.execute(Deposit { account: ada(), cents }).await.unwrap();
        app.settle().await;
    }
    app.execute(Audit { account: ada() })
        .actor("auditor")
        .operation(OperationId::derived("audit", "1"))
        .await
        .unwrap();
    app.execute(Open { account: "böb".into(), owner: "Böb \u{1F980}".into() })
        .tenant("acme")
        .await
        .unwrap();
    app.execute(Open { account: "carl".into(), owner: "Carl".into() }).await.unwrap();
    app.execute(Transfer { from: ada(), to: "carl".into(), cents: 5 }).await.unwrap();
    let accounts = app.repository_for::<Account>(Origin::new().actor("ada"));
    accounts.delete(&"carl".into(), "no more needed").await.unwrap();
    let head = app.store().info().await.unwrap().head;
    while app.projections()[0].position < head {
        clock.advance(Duration::from_millis(50));
        tokio::task::yield_now().await;
    }
    app.shutdown().await;
}

/// Everything that can be read, as JSON.
pub(crate) async fn contents(store: &Store) -> Value {
    let page = store.read(ReadRequest::all().limit(usize::MAX)).await.unwrap();
    let events: Vec<Value> = page.events().map(|one| event(&one)).collect();
    let stream = StreamId::new("account", "ada").unwrap();
    let snapshot = store.snapshot(&stream).await.unwrap().unwrap();
    let range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let forward = cqrs_core::store::Direction::Forward;
    let rows = store.rows(&Balances::table(), range, forward, 100).await.unwrap();
    let rows: Vec<String> = rows.iter().map(|(key, row)| format!("{key:?} {row:?}")).collect();
    let checkpoint = store.checkpoint(&Balances::checkpoint()).await.unwrap().unwrap();
    let operation = store.resolve(OperationId::derived("audit", "1")).await.unwrap().unwrap();
    let mut contents = json!({
        "events": events,
        "snapshot": {
            "version": snapshot.version(),
            "state": text(snapshot.data()),
            "taken_at": snapshot.taken_at(),
        },
        "rows": rows,
        "checkpoint": { "epoch": checkpoint.epoch.get(), "at": checkpoint.cursor.unwrap().position },
        "operation": format!("{:?} {:x}", operation.streams(), operation.fingerprint()),
    });
    // Those of before leases have none.
    for lease in store.leases("").await.unwrap() {
        contents["lease"] = format!("{} {} {}", lease.name(), lease.holder(), lease.token()).into();
    }
    contents
}

pub(crate) fn event(event: &RecordedEvent) -> Value {
    json!({
        "position": event.position(),
        "stream": event.stream().to_string(),
        "version": event.version(),
        "type": event.event_type().as_str(),
        "schema_version": event.schema_version(),
        "encoding": event.encoding().as_str(),
        "payload": text(event.payload()),
        "recorded_at": event.recorded_at(),
        "tags": event.tags().iter().collect::<Vec<_>>(),
        "metadata": event.metadata().unwrap(),
    })
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// That the log goes on where it was.
pub(crate) async fn takes_more(store: Store) {
    // With ids of its own, which the log does not have.
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let builder = App::builder().modules(modules![support::bank]).store(store);
    let app = builder.clock(clock).build().unwrap();
    let root = app.load::<Account>(&"ada".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (61, 14));
    app.execute(Deposit { account: "ada".into(), cents: 1 }).await.unwrap();
    let repeated = app
        .execute(Audit { account: "ada".into() })
        .operation(OperationId::derived("audit", "1"))
        .await
        .unwrap();
    assert!(repeated.receipt.is_repeated());
    let deposit = Deposit { account: "carl".into(), cents: 1 };
    assert_eq!(app.execute(deposit).await.unwrap_err().code().as_str(), "aggregate_deleted");
}
