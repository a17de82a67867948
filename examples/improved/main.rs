//! What most applications add: checks by attributes and by a guard that asks
//! somebody, a read model, answers that are kept until an event voids them, a
//! middleware that takes the time, and figures.
//! `cargo run -p examples --example improved`
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

mod user;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::bus::{Call, Middleware, Next, Outcome, Scope};
use cqrs_core::cache::Evict;
use cqrs_core::command::Violations;
use cqrs_core::policy::Guard;
use cqrs_core::prelude::*;
use cqrs_core::runtime::{Clock, SystemClock};
use user::{Name, Register, Rename, UserEvent};

/// How long to wait for read models and event handlers.
const SOON: Duration = Duration::from_secs(5);

/// Stands for a directory somewhere in the network, which knows all addresses.
#[derive(Default)]
struct Directory(Mutex<BTreeSet<String>>);

impl Directory {
    async fn enter(&self, email: &str) {
        self.0.lock().expect("nothing panics under the lock").insert(email.to_lowercase());
    }

    async fn knows(&self, email: &str) -> bool {
        self.0.lock().expect("nothing panics under the lock").contains(&email.to_lowercase())
    }
}

module!();

#[event_handler]
async fn enter(event: &UserEvent, directory: Dep<Directory>) -> Result<(), HandlerError> {
    if let UserEvent::Registered { email, .. } = event {
        directory.enter(email).await;
    }
    Ok(())
}

/// One address, one user; asked for when the fields are known to be sound.
struct EmailIsFree(Arc<Directory>);

impl Guard<Register> for EmailIsFree {
    async fn check(&self, command: &Register, _: &Context) -> Result<(), BusError> {
        let mut violations = Violations::new();
        if self.0.knows(&command.email).await {
            violations.add("email", "taken", "belongs to somebody else");
        }
        Ok(violations.into_result()?)
    }
}

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
    let directory = Arc::new(Directory::default());
    let app = App::builder()
        .modules(modules![crate])
        .store(MemoryStore::new())
        .provide(Arc::clone(&directory))
        .guard(EmailIsFree(directory))
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
    let renamed = app.execute(rename).shown_within(SOON).await?.receipt;
    // Read models and handlers go on by themselves: the table shows both.
    app.wait_for_handlers(renamed.token().expect("it has stored an event"), SOON).await?;
    for _ in 0..2 {
        println!("{:?}", app.query(Name { user: "ada".into() }).await?);
    }

    let cache = app.cache_statistics();
    println!("answers: {} kept ones given, {} made", cache.hits, cache.misses);
    println!("handler  calls  rejected  failed  95 % within");
    // An event handler also has a line for each type of event.
    for one in app.metrics().iter().filter(|one| one.event_type.is_none()) {
        let (name, p95) = (one.target.name, one.p95);
        let (calls, rejected, failed) = (one.executions, one.rejected, one.failures);
        println!("{name:8} {calls:5} {rejected:9} {failed:7}  {p95:.1?}");
    }
    Ok(())
}

async fn register(app: &App, user: &str, email: &str, name: &str) -> Result<(), BusError> {
    println!("{user} registers as {email}");
    let command = Register { user: user.into(), email: email.into(), name: name.into() };
    match app.execute(command).shown_within(SOON).await {
        Ok(done) => {
            // Here the next guard must know it; an application seldom waits.
            let token = done.receipt.token().expect("it has stored an event");
            app.wait_for_handlers(token, SOON).await.expect("the directory is there");
        }
        Err(CommandError::Bus(BusError::Validation(violations))) => {
            violations.iter().for_each(|one| println!("  {} {}", one.field, one.message));
        }
        Err(CommandError::Rejected(no)) => println!("  {no}"),
        Err(CommandError::Bus(error)) => return Err(error),
        Err(other) => println!("  {other}"),
    }
    Ok(())
}
