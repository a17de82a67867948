//! What most applications add: checks by attributes and by a guard that asks a
//! read model, answers that are kept until an event voids them, a middleware
//! that takes the time, and figures.
//! `cargo run -p examples --example improved`
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

mod user;

use std::time::Duration;

use cqrs_core::bus::{Call, Middleware, Next, Outcome, Scope};
use cqrs_core::cache::Evict;
use cqrs_core::prelude::*;
use cqrs_core::runtime::{Clock, SystemClock};
use user::{Name, Register, Rename};

/// How long to wait for read models.
const SOON: Duration = Duration::from_secs(5);

module!();

/// Says how each call has ended and how long it took.
struct Timing(SystemClock);

impl Middleware for Timing {
    async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
        let start = self.0.monotonic();
        let outcome = next.run().await;
        let took = self.0.monotonic() - start;
        let end = outcome.as_ref().map_or_else(|failure| failure.code().as_str(), |_| "done");
        println!("  [{}: {end} in {took:.1?}]", call.name());
        outcome
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder()
        .modules(modules![crate])
        .store(MemoryStore::new())
        .middleware(Scope::COMMANDS, Timing(SystemClock::new()))
        .middleware(Scope::QUERIES, Timing(SystemClock::new()))
        .evict("user.renamed", Evict::of::<Name>().by_key())
        .build()?;

    register(&app, "ada", "ada@example.org", "Ada").await?;
    register(&app, "bob", "bob at example.org", "B").await?;
    register(&app, "bob", "ADA@example.org", "Bob").await?;
    register(&app, "bob", "bob@example.org", "Bob").await?;

    for _ in 0..2 {
        println!("{:?}", app.query(Name { user: "ada".into() }).await?);
    }
    println!("ada is renamed");
    let rename = Rename { user: "ada".into(), name: "Ada L.".into() };
    app.execute(rename).shown_within(SOON).await?;
    for _ in 0..2 {
        println!("{:?}", app.query(Name { user: "ada".into() }).await?);
    }

    let cache = app.cache_statistics();
    println!("answers: {} kept ones given, {} made", cache.hits, cache.misses);
    println!("handler  calls  rejected  failed  95 % within");
    for one in app.metrics() {
        let (name, p95) = (one.target.name, one.p95);
        let (calls, rejected, failed) = (one.executions, one.rejected, one.failures);
        println!("{name:8} {calls:5} {rejected:9} {failed:7}  {p95:.1?}");
    }
    Ok(())
}

async fn register(app: &App, user: &str, email: &str, name: &str) -> Result<(), BusError> {
    println!("{user} registers as {email}");
    let command = Register { user: user.into(), email: email.into(), name: name.into() };
    // Here the next guard must know it; an application seldom waits.
    match app.execute(command).shown_within(SOON).await {
        Ok(_) => {}
        Err(CommandError::Bus(BusError::Validation(violations))) => {
            violations.iter().for_each(|one| println!("  {} {}", one.field, one.message));
        }
        Err(CommandError::Rejected(no)) => println!("  {no}"),
        Err(CommandError::Bus(error)) => return Err(error),
        Err(other) => println!("  {other}"),
    }
    Ok(())
}
