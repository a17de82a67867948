//! A command against its aggregate in memory, hot, and how its cost depends
//! on the length of the stream.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use cqrs_core::message::{IdGenerator, UuidV7};
use cqrs_core::prelude::*;
use cqrs_core::runtime::{Clock, SystemClock};
use cqrs_core::store::EventStore;

use crate::account::{self, Account, AccountEvent, AccountId, Deposit, Numbers, deposited};
use crate::report::{Line, Report, timed};
use crate::runtime;

const COUNT: u64 = 100_000;
const ACCOUNTS: u64 = 1_000;

/// What a careful engineer writes without a framework: a cached state behind
/// a lock, an encoded event with id and time in a log.
struct ByHand {
    ids: UuidV7,
    clock: SystemClock,
    state: Mutex<Bank>,
}

/// Balance and version of each account, and the log.
type Bank = (HashMap<u64, (i64, u64)>, Vec<Entry>);

#[expect(dead_code, reason = "an entry is kept, as a log keeps it")]
struct Entry {
    id: uuid::Uuid,
    correlation: uuid::Uuid,
    account: u64,
    version: u64,
    time: Timestamp,
    kind: &'static str,
    payload: Vec<u8>,
}

#[derive(serde::Serialize)]
struct Content<'a> {
    cents: i64,
    reference: &'a str,
    note: &'a str,
}

impl ByHand {
    fn new() -> Self {
        Self { ids: UuidV7::new(), clock: SystemClock::new(), state: Mutex::default() }
    }

    async fn deposit(&self, account: u64, cents: i64) -> Result<u64, ()> {
        if cents <= 0 {
            return Err(());
        }
        let AccountEvent::Deposited { cents, reference, note } = deposited(cents);
        let content = Content { cents, reference: &reference, note: &note };
        let payload = serde_json::to_vec(&content).map_err(drop)?;
        let time = self.clock.now();
        let (id, correlation) = (self.ids.next(time), self.ids.next(time));
        let mut guard = self.state.lock().map_err(drop)?;
        let (states, log) = &mut *guard;
        let state = states.entry(account).or_default();
        state.0 += cents;
        state.1 += 1;
        let (version, kind) = (state.1, "account.deposited");
        log.push(Entry { id, correlation, account, version, time, kind, payload });
        Ok(version)
    }
}

pub(crate) fn run(report: &mut Report) {
    let runtime = runtime();
    let line = Line {
        name: "command in memory, hot aggregate",
        aim: "≥ 0.5",
        unit: "commands",
        count: COUNT,
        rounds: 11,
    };
    let ours = || {
        runtime.block_on(async {
            let builder = App::builder().modules(modules![account]).store(MemoryStore::new());
            let app = builder.without_projections().build().expect("the account is complete");
            timed_async(async {
                for n in 0..COUNT {
                    let deposit = Deposit { account: AccountId::from(n % ACCOUNTS), cents: 5 };
                    app.execute(deposit).await.expect("a deposit is accepted");
                }
            })
            .await
        })
    };
    let by_hand = || {
        runtime.block_on(async {
            let bank = ByHand::new();
            timed_async(async {
                for n in 0..COUNT {
                    bank.deposit(n % ACCOUNTS, 5).await.expect("a deposit is accepted");
                }
            })
            .await
        })
    };
    report.compare(&line, ours, by_hand);
    long_stream(report, &runtime);
    ids(report);
}

async fn timed_async(work: impl Future<Output = ()>) -> Duration {
    let start = std::time::Instant::now();
    work.await;
    start.elapsed()
}

/// "By hand" is our own command on a short stream.
fn long_stream(report: &mut Report, runtime: &tokio::runtime::Runtime) {
    const NAME: &str = "command on a stream of 10,000 against one of 10";
    if !report.wants(NAME) {
        return;
    }
    let app = runtime.block_on(async {
        let store = MemoryStore::new();
        let (mut numbers, payload) = (Numbers(0), account::payload());
        for (account, events) in [(1, 10_000), (2, 10)] {
            store.commit(numbers.unit(account, events, &payload)).await.expect("it commits");
        }
        let builder = App::builder().modules(modules![account]).store(store);
        builder.without_projections().build().expect("the account is complete")
    });
    let line = Line { name: NAME, aim: "≥ 0.9", unit: "commands", count: 20_000, rounds: 11 };
    let on = |account: u64| {
        let app = app.clone();
        runtime.block_on(timed_async(async move {
            for _ in 0..20_000 {
                let deposit = Deposit { account: AccountId::from(account), cents: 5 };
                app.execute(deposit).await.expect("a deposit is accepted");
            }
        }))
    };
    report.compare(&line, || on(1), || on(2));
    let root = runtime.block_on(app.load::<Account>(&AccountId::from(2)));
    assert!(root.expect("it loads").state().cents > 0);
}

/// An id against one straight from the system's random source.
fn ids(report: &mut Report) {
    let line = Line {
        name: "id, against one from a system random call",
        aim: "≥ 2",
        unit: "ids",
        count: 1_000_000,
        rounds: 7,
    };
    let (ids, now) = (UuidV7::new(), SystemClock::new().now());
    let ours = || {
        timed(|| {
            (0..1_000_000).fold(0, |all, _| all ^ ids.next(std::hint::black_box(now)).as_u128())
        })
    };
    let by_hand = || {
        let mut source = std::fs::File::open("/dev/urandom").expect("the system has randomness");
        let mut bytes = [0; 16];
        let once = timed(|| {
            for _ in 0..10_000 {
                std::io::Read::read_exact(&mut source, &mut bytes).expect("it can be read");
            }
        });
        once * 100
    };
    report.compare(&line, ours, by_hand);
}
