//! What is measured reaches an exporter under the names that are documented.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqrs_core::policy::Figures;
use cqrs_core::prelude::*;
use cqrs_core::runtime::{BoxFuture, Clock};
use cqrs_testkit::ManualClock;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshot};

use crate::policies::desk::{Desk, Press, Sign, Work};
use support::bank::*;

mod listener {
    //! Fails at one event.

    use super::*;

    cqrs_core::module!();

    #[event_handler(name = "listener", on_failure = "park")]
    async fn listen(event: &AccountEvent) -> Result<(), HandlerError> {
        match event {
            AccountEvent::Deposited { cents: 13 } => Err(HandlerError::permanent("unlucky")),
            _ => Ok(()),
        }
    }
}

/// Runs a flow on a thread of its own recorder, and gives what it has emitted.
fn emitted<F: Future<Output = ()>>(flow: impl FnOnce() -> F) -> Snapshot {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(flow()));
    snapshotter.snapshot()
}

/// `name{label=value, ..} value`, histograms without their samples; sorted.
fn lines(snapshot: Snapshot) -> Vec<String> {
    let line = |(key, _, _, value): (metrics_util::CompositeKey, _, _, DebugValue)| {
        let labels: Vec<String> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(value) => value.to_string(),
            DebugValue::Histogram(samples) => format!("{} samples", samples.len()),
        };
        format!("{}{{{}}} {value}", key.key().name(), labels.join(", "))
    };
    let mut lines: Vec<String> = snapshot.into_vec().into_iter().map(line).collect();
    lines.sort();
    lines
}

/// The bank and the desk, with everything that is measured.
async fn everything() {
    let figures = Figures::new();
    let app = App::builder()
        .modules(cqrs_core::modules![support::bank, crate::policies::desk, listener])
        .store(MemoryStore::new())
        .provide(Arc::new(Desk::default()))
        .provide(Arc::new(ManualClock::new()))
        .access_policy("owner", crate::policies::Owners)
        .audit(crate::policies::Book::default())
        .collector(figures)
        .build()
        .expect("both are complete");
    app.execute(Press { failures: 0 }).await.unwrap();
    app.execute(Work { millis: 13 }).await.unwrap_err();
    app.execute(Sign { paper: String::new() }).await.unwrap_err();
    let account: AccountId = AccountId::from("a");
    app.execute(Open { account: account.clone(), owner: "ada".into() }).await.unwrap();
    let last = app.execute(Deposit { account, cents: 13 }).await.unwrap();
    let token = last.receipt.token().expect("money came in").clone();
    app.wait_for_handlers(&token, Duration::from_secs(30)).await.unwrap();
    app.wait_for(&token, Duration::from_secs(30)).await.unwrap();
    figures.read(&app).await.unwrap();
    app.shutdown().await;
}

#[test]
fn the_table_of_names_is_what_is_emitted() {
    let table = include_str!("../../cqrs-core/docs/metrics.md");
    let (table, _) = table.split_once("| Name of the pool's").expect("stores have tables too");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `cqrs_"));
    let documented: BTreeSet<String> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let (name, kind) = (cells.next().unwrap(), cells.next().unwrap());
            let labels = cells.next().unwrap().replace('`', "");
            format!("cqrs_{} {kind} {labels}", name.trim_end_matches('`'))
        })
        .collect();

    let snapshot = emitted(everything);

    let found: BTreeSet<String> = snapshot
        .into_vec()
        .iter()
        .map(|(key, ..)| {
            let labels: Vec<&str> = key.key().labels().map(metrics::Label::key).collect();
            let kind = format!("{:?}", key.kind()).to_lowercase();
            format!("{} {kind} {}", key.key().name(), labels.join(", "))
        })
        .collect();
    assert_eq!(found, documented);
}

#[test]
fn every_outcome_is_counted_where_it_belongs() {
    let lines = lines(emitted(everything));

    for expected in [
        "cqrs_calls_total{kind=command, name=Press, outcome=done} 1",
        "cqrs_calls_total{kind=command, name=Work, outcome=rejected} 1",
        "cqrs_calls_total{kind=command, name=Sign, outcome=failed} 1",
        "cqrs_call_duration_seconds{kind=command, name=Press} 1 samples",
        "cqrs_dead_letters{handler=listener} 1",
        "cqrs_lag_events{reader=listener} 0",
        "cqrs_breaker_state{dependency=press} 0",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} in {lines:#?}");
    }
    let handled = |outcome: &str| {
        let is = |line: &&String| {
            line.starts_with("cqrs_events_handled_total{handler=listener")
                && line.contains(&format!("outcome={outcome}"))
        };
        lines.iter().filter(is).count()
    };
    assert_eq!((handled("done"), handled("rejected")), (1, 1), "{lines:#?}");
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl Clock for Counting {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000)
    }

    fn monotonic(&self) -> Duration {
        self.0.fetch_add(1, Ordering::SeqCst);
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_clock_is_read_for_figures_only_where_something_collects() {
    let readings = async |collected: bool| {
        let clock = Counting::default();
        let builder = App::builder()
            .modules(cqrs_core::modules![support::bank])
            .store(MemoryStore::new())
            .clock(clock.clone())
            .without_metrics();
        let builder = if collected { builder.collector(Figures::new()) } else { builder };
        let app = builder.build().unwrap();
        let account = AccountId::from("a");
        app.execute(Open { account: account.clone(), owner: "ada".into() }).await.unwrap();
        let before = clock.0.load(Ordering::SeqCst);
        app.execute(Deposit { account, cents: 1 }).await.unwrap();
        clock.0.load(Ordering::SeqCst) - before
    };

    let (silent, collected) = (readings(false).await, readings(true).await);

    assert_eq!(collected - silent, 2, "at the beginning and at the end");
}
