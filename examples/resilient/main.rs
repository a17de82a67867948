//! What keeps an application up: access and an audit, retries, a breaker,
//! limits, kept answers, dead letters, a configuration that changes while it
//! runs, an orderly end.
//! `cargo run -p examples --example resilient`, or as a target of load:
//! `cargo run --release -p examples --example resilient -- --load 100000`.

mod load;
mod shipping;

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::config::{Config, ConfigLoader};
use cqrs_core::policy::{AuditRecord, AuditSink, Principal};
use cqrs_core::prelude::*;
use cqrs_core::runtime::{BoxFuture, Clock, SystemClock};
use cqrs_core::store::Position;
use shipping::{Carrier, Mails, Ship, Track};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const SOON: Duration = Duration::from_secs(5);

const CONFIG: &str = r#"
    retry = { base = "10ms", jitter = "none", budget = 100 }
    circuit_breaker = { failure_threshold = 2, timeout = "30s" }
    event_handlers = { base = "10ms" }
    handlers.Track.rate_limit = "3/m"
    shutdown.grace = "5s"
"#;

/// The system's clock, which can be set forward: nobody waits half a minute
/// for an example.
#[derive(Clone, Default)]
struct Forward {
    system: SystemClock,
    micros: Arc<AtomicU64>,
}

impl Forward {
    fn pass(&self, time: Duration) {
        self.micros.fetch_add(time.as_micros() as u64, Ordering::SeqCst);
        say(format!("{time:?} pass"));
    }

    fn passed(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

impl Clock for Forward {
    fn now(&self) -> Timestamp {
        self.system.now().plus(self.passed())
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic() + self.passed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.system.sleep(duration)
    }
}

/// Who did what; in a real application it goes to a place of its own.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<String>>>);

impl AuditSink for Book {
    async fn record(&self, record: AuditRecord) -> Result<(), AnyError> {
        let AuditRecord { actor, message, verdict, .. } = record;
        let actor = actor.map_or_else(|| "nobody".to_owned(), |actor| actor.to_string());
        let line = format!("{actor}: {message}: {verdict:?}");
        self.0.lock().expect("nothing panics under the lock").push(line);
        Ok(())
    }
}

/// The application with what its story plays with.
struct Desk {
    app: App,
    clock: Forward,
    book: Book,
    carrier: Arc<Carrier>,
    mails: Arc<Mails>,
}

impl Desk {
    fn open(config: Config) -> Result<Self, AnyError> {
        let (clock, book) = (Forward::default(), Book::default());
        let (carrier, mails) = (Arc::<Carrier>::default(), Arc::<Mails>::default());
        let app = App::builder()
            .modules(modules![shipping])
            .store(MemoryStore::new())
            .config(config)
            .clock(clock.clone())
            .audit(book.clone())
            .provide(Arc::clone(&carrier))
            .provide(Arc::clone(&mails))
            .build()?;
        Ok(Self { app, clock, book, carrier, mails })
    }

    async fn ship(&self, parcel: &str, caller: Option<Principal>) {
        let origin = caller.map_or_else(Origin::new, |caller| Origin::new().principal(caller));
        match self.app.execute(Ship { parcel: parcel.into() }).from(origin).await {
            Ok(done) => {
                let token = done.receipt.token().expect("it has stored an event");
                let handled = self.app.wait_for_handlers(token, SOON).await;
                handled.expect("mails are sent or parked");
                say(format!("{parcel} is shipped as {}", done.value));
            }
            Err(error) => say(format!("{parcel} is not shipped: {}: {error}", error.code())),
        }
    }

    async fn track(&self, parcel: &str) {
        match self.app.query(Track { parcel: parcel.into() }).actor("web").await {
            Ok(tracking) => say(format!("{parcel} is tracked as {}", tracking.unwrap_or_default())),
            Err(QueryError::Bus(error)) => {
                let after = error.retry_after().unwrap_or_default();
                say(format!("{parcel} is not tracked: {}, again in {after:.0?}", error.code()));
            }
            Err(error) => say(format!("{parcel} is not tracked: {error}")),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let config = ConfigLoader::new().toml(CONFIG).load()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => story(Desk::open(config)?).await,
        [option, count] if option == "--load" => load::run(config, count.parse()?).await,
        _ => Err("usage: resilient [--load CALLS]".into()),
    }
}

async fn story(desk: Desk) -> Result<(), AnyError> {
    let Desk { app, clock, book, carrier, mails } = &desk;
    let clerk = || Some(Principal::new("carl").role("clerk"));
    say("# who may ship");
    desk.ship("p1", None).await;
    desk.ship("p1", Some(Principal::new("eve").role("guest"))).await;
    desk.ship("p1", clerk()).await;
    say("# the carrier fails twice, then three times a call");
    carrier.failures.store(2, Ordering::SeqCst);
    desk.ship("p2", clerk()).await;
    carrier.failures.store(6, Ordering::SeqCst);
    for parcel in ["p3", "p3", "p3"] {
        desk.ship(parcel, clerk()).await;
    }
    say(format!("the breaker: {:?}", app.breakers().get("carrier").state(clock.monotonic())));
    clock.pass(Duration::from_secs(30));
    desk.ship("p3", clerk()).await;
    say(format!("the breaker: {:?}", app.breakers().get("carrier").state(clock.monotonic())));

    say("# answers are kept, and three a minute are enough");
    for _ in 0..4 {
        desk.track("p1").await;
    }
    say(format!("{} of them were kept ones", app.cache_statistics().hits));
    let mut config = Config::clone(&app.config());
    config.handlers.clear();
    say(format!("changed: {}", app.reconfigure(config)?));
    desk.track("p1").await;

    say("# a mail that cannot be sent is parked, and sent later");
    mails.down.store(true, Ordering::SeqCst);
    desk.ship("p4", clerk()).await;
    mails.down.store(false, Ordering::SeqCst);
    for letter in app.dead_letters().list("mails", Position::NONE, 10).await? {
        say(format!("parked: {} of {}: {:?}", letter.event_type, letter.stream, letter.reason));
        app.dead_letters().retry("mails", letter.position).await?;
    }
    while app.subscriptions().iter().any(|one| one.parked > 0) {
        clock.sleep(Duration::from_millis(5)).await;
    }
    mails.sent.lock().expect("nothing panics under the lock").iter().for_each(say);

    say("# the end");
    let left = app.shutdown().await;
    desk.ship("p5", clerk()).await;
    say(format!("orderly: {}; the audit:", left.is_orderly()));
    book.0.lock().expect("nothing panics under the lock").iter().for_each(say);
    Ok(())
}

/// Writes a line. A reader that has gone away is no error.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
