//! Appends over 1,000 streams.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use cqrs_core::store::EventStore;
use cqrs_postgres::PostgresStore;

use crate::account::{self, Numbers};
use crate::by_hand::{Hand, connect};
use crate::report::{Line, Report};
use crate::{Rig, account::DETAILS};

pub(crate) const STREAMS: u64 = 1_000;
const APPENDS: [(u64, u64, &str); 3] =
    [(1, 1_000, "≥ 0.9"), (16, 400, "≥ 1.6"), (64, 200, "≥ 2.0")];

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    let payload = account::payload();
    for (callers, appends, aim) in APPENDS {
        let name = match callers {
            1 => "append, 1 caller".to_owned(),
            _ => format!("append, {callers} callers"),
        };
        if !report.wants(&name) {
            continue;
        }
        let store = rig.store(&format!("append_{callers}"));
        let hands = rig.runtime.block_on(hands(&rig.url, callers));
        let mut numbers = Numbers(callers << 32);
        let line = Line { name: &name, aim, unit: "events", count: callers * appends, rounds: 9 };
        let ours = || rig.runtime.block_on(ours(&store, callers, appends, &mut numbers, &payload));
        let by_hand = || rig.runtime.block_on(by_hand(&hands, appends, &payload));
        report.compare(&line, ours, by_hand);
    }
    batches(report, rig, &payload);
}

async fn hands(url: &str, callers: u64) -> Vec<Hand> {
    let mut hands = Vec::new();
    for _ in 0..callers {
        hands.push(Hand::new(url).await);
    }
    hands
}

/// Callers that append one event each, again and again.
pub(crate) async fn ours(
    store: &PostgresStore,
    callers: u64,
    appends: u64,
    numbers: &mut Numbers,
    payload: &[u8],
) -> Duration {
    let mut units: Vec<Vec<_>> = Vec::new();
    for caller in 0..callers {
        let unit = |n| numbers.unit((caller * 7919 + n * 31) % STREAMS, 1, payload);
        units.push((0..appends).map(unit).collect());
    }
    let start = Instant::now();
    let callers = units.into_iter().map(|units| {
        let store = store.clone();
        tokio::spawn(async move {
            for unit in units {
                store.commit(unit).await.expect("it commits");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("the caller ends");
    }
    start.elapsed()
}

/// The next version for everybody: no caller meets another.
static VERSION: AtomicI64 = AtomicI64::new(0);

pub(crate) async fn by_hand(hands: &[Hand], appends: u64, payload: &[u8]) -> Duration {
    let payload = std::str::from_utf8(payload).expect("it is JSON");
    let start = Instant::now();
    let callers = hands.iter().enumerate().map(|(caller, hand)| async move {
        for n in 0..appends {
            let stream = format!("account-{}", (caller as u64 * 7919 + n * 31) % STREAMS);
            let version = VERSION.fetch_add(1, Ordering::Relaxed)
                + i64::from(std::process::id()) * 1_000_000_000;
            assert!(hand.insert(&stream, version, payload).await, "the insert commits");
        }
    });
    futures_util::future::join_all(callers).await;
    start.elapsed()
}

/// 100 events an append against COPY of 100 rows.
fn batches(report: &mut Report, rig: &Rig, payload: &[u8]) {
    const NAME: &str = "append of 100 events, against COPY";
    const APPENDS: u64 = 100;
    if !report.wants(NAME) {
        return;
    }
    let store = rig.store("batches");
    let mut numbers = Numbers(1 << 40);
    let hand = rig.runtime.block_on(Hand::new(&rig.url));
    let copy = rig.runtime.block_on(connect(&rig.url));
    let line = Line { name: NAME, aim: "≥ 0.6", unit: "events", count: APPENDS * 100, rounds: 9 };
    let ours = || {
        let units: Vec<_> =
            (0..APPENDS).map(|n| numbers.unit(n * 31 % STREAMS, 100, payload)).collect();
        rig.runtime.block_on(async {
            let start = Instant::now();
            for unit in units {
                store.commit(unit).await.expect("it commits");
            }
            start.elapsed()
        })
    };
    let mut from = 1_i64 << 50;
    let text = std::str::from_utf8(payload).expect("it is JSON");
    let details = std::str::from_utf8(DETAILS).expect("it is text");
    let by_hand = || {
        rig.runtime.block_on(async {
            let start = Instant::now();
            for n in 0..APPENDS {
                let stream = format!("account-{}", n * 31 % STREAMS);
                let mut rows = String::new();
                for _ in 0..100 {
                    from += 1;
                    rows += &format!("{stream}\t{from}\taccount.deposited\t{text}\t{details}\n");
                }
                let into = "COPY by_hand (stream, version, type, payload, metadata) FROM STDIN";
                let sink = copy.copy_in::<_, std::io::Cursor<String>>(into).await.expect("it may");
                let mut sink = pin!(sink);
                use futures_util::SinkExt;
                sink.send(std::io::Cursor::new(rows)).await.expect("the server takes it");
                sink.as_mut().finish().await.expect("it commits");
            }
            start.elapsed()
        })
    };
    report.compare(&line, ours, by_hand);
    drop(hand);
}
