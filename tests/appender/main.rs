//! A process that appends without end and says what it tries and what was
//! acknowledged, to be killed: `appender sqlite:PATH 1000` numbers its units
//! from 1000 on.
#![allow(clippy::disallowed_methods, reason = "its callers are tasks")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::store::EventStore;
use support::ledger;

const CALLERS: usize = 8;

fn say(word: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "{word} {number}").and_then(|()| out.flush());
    said.expect("somebody listens");
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, first] = &arguments[..] else { panic!("appender STORE FIRST") };
    let next = Arc::new(AtomicU64::new(first.parse().expect("units are numbered")));
    let store = support::place::open(store).await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, next) = (store.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    say("try", number);
                    if let Err(error) = store.commit(ledger::unit(number)).await {
                        return error;
                    }
                    say("ack", number);
                }
            })
        })
        .collect();
    if let Some(caller) = callers.into_iter().next() {
        let failed = caller.await.expect("it does not panic");
        panic!("it goes on until it is killed: {failed}");
    }
}
