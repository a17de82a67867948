//! Handling a command on PostgreSQL, ours against the frameworks that Rust has,
//! on the same server, with the same account, in turn. `cargo run --release
//! --manifest-path benches/rivals/Cargo.toml`
//!
//! A conflict is tried again until it commits, as an application would.

mod cqrs_es_bank;
mod disintegrate_bank;
mod esrs_bank;
mod ours;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_testkit::postgres::Server;

const CALLERS: u64 = 16;
const ACCOUNTS: u64 = 1_000;
const ROUNDS: usize = 5;

/// 200 bytes of an event's text.
pub const NOTE: &str = "standing order of the first working day of the month, as agreed with the \
                        branch, for the account that is named in the contract of the household, \
                        reference RF18 5390 0754 7034";

/// A bank that takes deposits.
#[async_trait::async_trait]
pub trait Bank: Send + Sync {
    fn name(&self) -> &'static str;

    /// Deposits once, whatever comes in between.
    async fn deposit(&self, account: u64);
}

/// How 16 callers meet: on accounts of all, or on one.
#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    commands: u64,
    account: fn(u64, u64, usize) -> u64,
}

const WORK: [Work; 2] = [
    Work {
        name: "16 callers on 1,000 streams",
        commands: 100,
        account: |caller, n, _| (caller * 7919 + n * 31) % ACCOUNTS,
    },
    Work {
        name: "16 callers on one stream",
        commands: 40,
        // A stream for each round, so that it is short for everybody.
        account: |_, _, round| ACCOUNTS + round as u64,
    },
];

async fn round(bank: &Arc<dyn Bank>, work: Work, round: usize) -> Duration {
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let bank = Arc::clone(bank);
            tokio::spawn(async move {
                for n in 0..work.commands {
                    bank.deposit((work.account)(caller, n, round)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("the caller ends");
    }
    start.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let server = Server::start();
    let mut banks: Vec<Arc<dyn Bank>> = vec![
        Arc::new(ours::Ours::open(&server.url()).await),
        Arc::new(cqrs_es_bank::CqrsEs::open(&server.url()).await),
        Arc::new(esrs_bank::Esrs::open(&server.url()).await),
    ];
    match disintegrate_bank::Disintegrate::open(&server.url()).await {
        Some(bank) => banks.push(Arc::new(bank)),
        None => println!("disintegrate-postgres needs PostgreSQL 16 or later: left out\n"),
    }
    println!("| Work | Against | Ratio | Aim | Ours, commands/s | Theirs |");
    println!("|---|---|---|---|---|---|");
    for work in WORK {
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); banks.len()];
        for number in 0..=ROUNDS {
            for (bank, times) in banks.iter().zip(&mut times) {
                let took = round(bank, work, number).await.as_secs_f64();
                // The first round warms up.
                if number > 0 {
                    times.push(took);
                }
            }
        }
        let count = (CALLERS * work.commands) as f64;
        for (bank, theirs) in banks.iter().zip(&times).skip(1) {
            let ratio = median(theirs.iter().zip(&times[0]).map(|(t, o)| t / o).collect());
            let (ours, theirs) = (median(times[0].clone()), median(theirs.clone()));
            let aim = if work.name.ends_with("one stream") { "≥ 50" } else { "≥ 5" };
            println!(
                "| {} | {} | {ratio:.1} | {aim} | {:.0} | {:.0} |",
                work.name,
                bank.name(),
                count / ours,
                count / theirs
            );
        }
    }
}
