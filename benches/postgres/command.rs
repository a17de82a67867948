//! Handling a command: load, decide, append.

use std::time::{Duration, Instant};

use cqrs_core::prelude::*;
use cqrs_core::store::EventStore;
use cqrs_postgres::PostgresStore;

use crate::Rig;
use crate::account::{self, AccountId, Deposit, Numbers};
use crate::append::STREAMS;
use crate::by_hand::Hand;
use crate::report::{Line, Report};

const CALLERS: u64 = 16;
const COMMANDS: u64 = 300;

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    by_hand(report, rig);
    long_stream(report, rig);
    hot_stream(report, rig);
}

fn app(store: PostgresStore) -> App {
    let builder = App::builder().modules(cqrs_core::modules![account]).store(store);
    builder.without_projections().build().expect("the account is complete")
}

/// 16 callers, each with commands to accounts that `account` names.
async fn commands(app: &App, each: u64, account: impl Fn(u64, u64) -> u64 + Copy) -> Duration {
    let start = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let app = app.clone();
        let accounts: Vec<u64> = (0..each).map(|n| account(caller, n)).collect();
        tokio::spawn(async move {
            for account in accounts {
                let deposit = Deposit { account: AccountId::from(account), cents: 5 };
                app.execute(deposit).await.expect("a deposit is accepted");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("the caller ends");
    }
    start.elapsed()
}

fn spread(caller: u64, n: u64) -> u64 {
    (caller * 7919 + n * 31) % STREAMS
}

fn by_hand(report: &mut Report, rig: &Rig) {
    const NAME: &str = "command, 16 callers, against select + insert";
    if !report.wants(NAME) {
        return;
    }
    let app = rig.runtime.block_on(async { app(rig.store_async("commands").await) });
    let line =
        Line { name: NAME, aim: "≥ 3", unit: "commands", count: CALLERS * COMMANDS, rounds: 7 };
    let hands: Vec<Hand> =
        (0..CALLERS).map(|_| rig.runtime.block_on(Hand::new(&rig.url))).collect();
    let payload = String::from_utf8(account::payload()).expect("it is JSON");
    let ours = || rig.runtime.block_on(commands(&app, COMMANDS, spread));
    let by_hand = || {
        rig.runtime.block_on(async {
            let start = Instant::now();
            let callers = hands.iter().enumerate().map(|(caller, hand)| {
                let payload = &payload;
                async move {
                    for n in 0..COMMANDS {
                        let stream = format!("command-{}", spread(caller as u64, n));
                        while !deposit(hand, &stream, payload).await {}
                    }
                }
            });
            futures_util::future::join_all(callers).await;
            start.elapsed()
        })
    };
    report.compare(&line, ours, by_hand);
}

#[derive(serde::Deserialize)]
struct Content {
    cents: i64,
}

/// Loads, decides, appends; false when somebody else was faster.
async fn deposit(hand: &Hand, stream: &str, payload: &str) -> bool {
    let rows = hand.client.query(&hand.select, &[&stream]).await.expect("it can be read");
    let (mut cents, mut version) = (0, 0);
    for row in &rows {
        let content: Content = serde_json::from_str(row.get(1)).expect("it is a deposit");
        (cents, version) = (cents + content.cents, row.get(0));
    }
    assert!(cents >= 0);
    hand.insert(stream, version + 1, payload).await
}

/// "By hand" is our own command on short streams.
fn long_stream(report: &mut Report, rig: &Rig) {
    const NAME: &str = "command on a stream of 10,000 against one of 10";
    if !report.wants(NAME) {
        return;
    }
    let app = rig.runtime.block_on(async {
        let store = rig.store_async("long").await;
        let (mut numbers, payload) = (Numbers(5 << 40), account::payload());
        for (account, events) in [(1, 10_000), (2, 10)] {
            store.commit(numbers.unit(account, events, &payload)).await.expect("it commits");
        }
        app(store)
    });
    let on = |account: u64| {
        let app = app.clone();
        rig.runtime.block_on(async move {
            let start = Instant::now();
            for _ in 0..500 {
                let deposit = Deposit { account: AccountId::from(account), cents: 5 };
                app.execute(deposit).await.expect("a deposit is accepted");
            }
            start.elapsed()
        })
    };
    let line = Line { name: NAME, aim: "≥ 0.9", unit: "commands", count: 500, rounds: 9 };
    report.compare(&line, || on(1), || on(2));
}

/// "By hand" is our own command on 1,000 streams.
fn hot_stream(report: &mut Report, rig: &Rig) {
    const NAME: &str = "16 callers on one hot stream against 1,000 streams";
    if !report.wants(NAME) {
        return;
    }
    let app = rig.runtime.block_on(async { app(rig.store_async("hot").await) });
    let line =
        Line { name: NAME, aim: "≥ 0.7", unit: "commands", count: CALLERS * COMMANDS, rounds: 7 };
    let ours = || rig.runtime.block_on(commands(&app, COMMANDS, |_, _| 1));
    let other = || rig.runtime.block_on(commands(&app, COMMANDS, spread));
    report.compare(&line, ours, other);
}
