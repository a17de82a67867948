//! A process that stands for a lease and appends while it leads, and says what
//! became of each unit, to be stopped and continued: `leading postgres://.. ada
//! 1000` numbers its units from 1000 on.
#![allow(clippy::disallowed_methods, reason = "a process of its own")]

use std::io::Write;
use std::time::Duration;

use cqrs_core::runtime::Services;
use cqrs_core::store::{CommitError, EventStore, Leader, Store};
use support::ledger;

/// How long a lease lasts here.
const TTL: Duration = Duration::from_millis(1_500);

fn say(word: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "{word} {number}").and_then(|()| out.flush());
    said.expect("somebody listens");
}

/// Believes in its lease until the store does not, as a leader does that was
/// asleep between its last look and its commit.
#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, holder, first] = &arguments[..] else { panic!("leading URL HOLDER FIRST") };
    let mut number: u64 = first.parse().expect("units are numbered");
    let store = cqrs_postgres::PostgresStore::options(store).open().await;
    let store = Store::new(store.expect("the server lets it in"));
    let options = Leader::options("ledger", holder.clone()).ttl(TTL).margin(TTL / 5);
    let leader = options.start(&store, &Services::default());
    while let Some(lease) = leader.watch().elected().await {
        say("leads", lease.token().get());
        loop {
            match store.commit(ledger::unit(number).fenced_by(&lease)).await {
                Ok(_) => say("ack", number),
                Err(CommitError::LeaseLost { held, .. }) => break say("lost", held.get()),
                Err(other) => panic!("{other}"),
            }
            number += 1;
        }
    }
}
