//! A process that shares an event handler with others, and says which events it
//! has handled: `sharing sqlite:PATH ada`. It stops when its input ends.
#![allow(clippy::disallowed_methods, reason = "a process of its own")]

use std::io::{Read, Write};
use std::time::Duration;

use cqrs_core::config::Config;
use cqrs_core::prelude::*;
use support::bank::AccountEvent;

cqrs_core::module!();

#[event_handler(name = "sums", parts = 8)]
async fn sums(event: &Recorded<AccountEvent>) -> Result<(), std::io::Error> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let name = std::env::args().nth(2).expect("sharing PLACE NAME");
    let (position, version) = (event.position(), event.version());
    // One write, so that lines of several processes do not mix.
    let line = format!("{name} {position} {} {version}\n", event.stream().key());
    std::io::stdout().lock().write_all(line.as_bytes())
}

#[tokio::main]
async fn main() {
    let place = std::env::args().nth(1).expect("sharing PLACE NAME");
    let mut config = Config::default();
    config.event_handlers.lease = Duration::from_millis(1_500);
    let app = App::builder()
        .modules(cqrs_core::modules![crate])
        .store(support::place::open(&place).await)
        .config(config)
        .build()
        .expect("it is complete");
    let told = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    told.await.expect("it reads on").expect("its input can be read");
    assert!(app.shutdown().await.is_orderly());
}
