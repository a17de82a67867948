//! Durable appends on SQLite against a raw file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_core::store::EventStore;
use cqrs_sqlite::SqliteStore;

use crate::account::{self, DETAILS, Numbers};
use crate::raw_file::RawFile;
use crate::report::{Line, Report};
use crate::{folder, runtime};

const STREAMS: u64 = 1_000;
const LARGE: u64 = 1_000_000;

struct StateShape {
    name: &'static str,
    aim: &'static str,
    large_aim: &'static str,
    callers: u64,
    events: usize,
    /// Appends of each caller in a round.
    appends: u64,
}

const SHAPES: [StateShape; 3] = [
    StateShape {
        name: "1 caller",
        aim: "≥ 0.7",
        large_aim: "≥ 0.47",
        callers: 1,
        events: 1,
        appends: 2_000,
    },
    StateShape {
        name: "100 an append",
        aim: "≥ 0.6",
        large_aim: "≥ 0.4",
        callers: 1,
        events: 100,
        appends: 500,
    },
    StateShape {
        name: "64 callers",
        aim: "≥ 0.5",
        large_aim: "≥ 0.33",
        callers: 64,
        events: 1,
        appends: 500,
    },
];

pub(crate) fn run(report: &mut Report) {
    let names = |large: bool| {
        let suffix = if large { ", 1,000,000 events in the log" } else { "" };
        SHAPES.iter().map(move |shape| format!("durable append, SQLite, {}{suffix}", shape.name))
    };
    for large in [false, true] {
        if names(large).any(|name| report.wants(&name)) {
            log(report, large, names(large));
        }
    }
}

fn log(report: &mut Report, large: bool, names: impl Iterator<Item = String>) {
    let (runtime, folder) = (runtime(), folder());
    let open = SqliteStore::open(folder.path().join("log.db"));
    let store = runtime.block_on(open).expect("a new database opens");
    let file = Arc::new(RawFile::create(&folder.path().join("raw")));
    let payload = account::payload();
    let mut numbers = Numbers(0);
    if large {
        runtime.block_on(fill(&store, &mut numbers, &payload));
    }
    for (shape, name) in SHAPES.iter().zip(names) {
        let aim = if large { shape.large_aim } else { shape.aim };
        let count = shape.callers * shape.appends * shape.events as u64;
        let line = Line { name: &name, aim, unit: "events", count, rounds: 7 };
        let mut ours = || runtime.block_on(on_store(&store, shape, &mut numbers, &payload));
        let mut by_hand = || runtime.block_on(on_file(&file, shape, &payload));
        report.compare(&line, &mut ours, &mut by_hand);
    }
}

async fn fill(store: &SqliteStore, numbers: &mut Numbers, payload: &[u8]) {
    for n in 0..LARGE / 100 {
        store.commit(numbers.unit(n % STREAMS, 100, payload)).await.expect("it commits");
    }
}

async fn on_store(
    store: &SqliteStore,
    shape: &StateShape,
    numbers: &mut Numbers,
    payload: &[u8],
) -> Duration {
    let mut units: Vec<Vec<_>> = Vec::new();
    for caller in 0..shape.callers {
        let unit = |n| numbers.unit((caller * 7919 + n * 31) % STREAMS, shape.events, payload);
        units.push((0..shape.appends).map(unit).collect());
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

async fn on_file(file: &Arc<RawFile>, shape: &StateShape, payload: &[u8]) -> Duration {
    let record = [payload, DETAILS, &[0; 64]].concat().repeat(shape.events);
    let start = Instant::now();
    let callers = (0..shape.callers).map(|_| {
        let (file, record, appends) = (Arc::clone(file), record.clone(), shape.appends);
        tokio::spawn(async move {
            for _ in 0..appends {
                file.append(record.clone()).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("the caller ends");
    }
    start.elapsed()
}
