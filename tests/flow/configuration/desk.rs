//! Handlers that do what a test asks of them, and an application around them.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::config::{Config, ConfigLoader};
use cqrs_core::policy::{AuditRecord, AuditSink};
use cqrs_core::prelude::*;
use cqrs_core::runtime::{Clock, SystemRandom};
use cqrs_core::store::EventStore;
use cqrs_testkit::ManualClock;
use support::bank::AccountEvent;

cqrs_core::module!();

/// What the handlers have seen.
#[derive(Default)]
pub struct Desk {
    pub runs: AtomicU32,
    pub inside: AtomicU32,
    pub fails: AtomicU32,
    pub tries: Mutex<Vec<Duration>>,
}

/// Takes its time.
#[derive(Command)]
pub struct Work {
    pub millis: u64,
}

/// Fails for a passing reason as long as the desk says so.
#[derive(Command)]
pub struct Press {}

/// Sends itself on.
#[derive(Command)]
pub struct Nest {
    pub depth: u32,
}

/// As `Work`, of a query.
#[derive(Query)]
#[query(output = u32)]
pub struct Look {
    pub millis: u64,
}

/// As `Press`, of a query.
#[derive(Query)]
#[query(output = u32)]
pub struct Peek {}

/// Counts its runs; its answers are kept.
#[derive(Query)]
#[query(output = u32, cache)]
pub struct Kept {
    pub key: u32,
}

impl Desk {
    fn enters(self: &Arc<Self>) -> impl Drop + use<> {
        struct Leaves(Arc<Desk>);
        impl Drop for Leaves {
            fn drop(&mut self) {
                self.0.inside.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.inside.fetch_add(1, Ordering::SeqCst);
        Leaves(Arc::clone(self))
    }

    fn fails(&self, message: &'static str, clock: &ManualClock) -> Result<u32, BusError> {
        self.tries.lock().unwrap().push(clock.monotonic());
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let failing = |left: u32| left.checked_sub(1);
        match self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing) {
            Ok(_) => Err(BusError::RateLimited { message, retry_after: Duration::from_millis(1) }),
            Err(_) => Ok(run),
        }
    }

    /// Starts to count anew.
    pub fn runs(&self) -> u32 {
        self.tries.lock().unwrap().clear();
        self.runs.swap(0, Ordering::SeqCst)
    }

    pub fn inside(&self) -> u32 {
        self.inside.load(Ordering::SeqCst)
    }

    pub fn fail(&self, times: u32) {
        self.fails.store(times, Ordering::SeqCst);
    }

    /// The pauses between the tries, in milliseconds.
    pub fn pauses(&self) -> Vec<u128> {
        let tries = std::mem::take(&mut *self.tries.lock().unwrap());
        tries.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect()
    }
}

#[command_handler]
pub async fn work(
    command: &Work,
    desk: Dep<Desk>,
    clock: Dep<ManualClock>,
) -> Result<u32, Infallible> {
    let _inside = desk.into_arc().enters();
    clock.sleep(Duration::from_millis(command.millis)).await;
    Ok(0)
}

#[command_handler]
pub async fn press(
    _command: &Press,
    desk: Dep<Desk>,
    clock: Dep<ManualClock>,
) -> Result<u32, CommandError<Infallible>> {
    Ok(desk.fails("Press", &clock)?)
}

#[command_handler]
pub async fn nest(command: &Nest, bus: Bus) -> Result<u32, CommandError<Infallible>> {
    match command.depth.checked_sub(1) {
        Some(depth) => Ok(bus.execute(Nest { depth }).await?.value + 1),
        None => Ok(0),
    }
}

#[query_handler]
pub async fn look(
    query: &Look,
    desk: Dep<Desk>,
    clock: Dep<ManualClock>,
) -> Result<u32, QueryError> {
    let _inside = desk.into_arc().enters();
    clock.sleep(Duration::from_millis(query.millis)).await;
    Ok(0)
}

#[query_handler]
pub async fn peek(
    _query: &Peek,
    desk: Dep<Desk>,
    clock: Dep<ManualClock>,
) -> Result<u32, QueryError> {
    desk.fails("Peek", &clock).map_err(QueryError::Bus)
}

#[query_handler]
pub async fn kept(query: &Kept, desk: Dep<Desk>) -> Result<u32, QueryError> {
    desk.runs.fetch_add(1, Ordering::SeqCst);
    Ok(query.key)
}

#[event_handler(name = "listener")]
pub async fn listener(
    _event: &AccountEvent,
    desk: Dep<Desk>,
    clock: Dep<ManualClock>,
) -> Result<(), HandlerError> {
    let tried = desk.fails("listener", &clock);
    tried.map(drop).map_err(|error| HandlerError::with_code(error.code(), error))
}

/// An audit that may be closed.
#[derive(Clone, Default)]
pub struct Book(pub Arc<Mutex<Vec<&'static str>>>, pub Arc<std::sync::atomic::AtomicBool>);

impl AuditSink for Book {
    async fn record(
        &self,
        record: AuditRecord,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.1.load(Ordering::SeqCst) {
            return Err("the book is closed".into());
        }
        self.0.lock().unwrap().push(record.message);
        Ok(())
    }
}

pub type Builder = cqrs_core::app::AppBuilder<cqrs_core::store::Store>;

pub struct Rig {
    pub app: App,
    pub clock: ManualClock,
    pub desk: Arc<Desk>,
    pub book: Book,
}

/// A configuration with some keys set as a command line would.
pub fn config<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Config {
    let loader =
        keys.into_iter().fold(ConfigLoader::new(), |all, (path, text)| all.set(path, text));
    loader.load().expect("the keys are right")
}

pub fn builder(clock: &ManualClock, desk: &Arc<Desk>, store: impl EventStore) -> Builder {
    App::builder()
        .modules(cqrs_core::modules![crate::configuration::desk, support::bank])
        .store(store)
        .clock(clock.clone())
        .random(SystemRandom::seeded(7))
        .without_projections()
        .provide(Arc::clone(desk))
        .provide(Arc::new(clock.clone()))
}

/// An application with such keys.
pub fn rig<const N: usize>(keys: [(&str, &str); N]) -> Rig {
    rig_over(MemoryStore::new(), keys)
}

pub fn rig_over<const N: usize>(store: impl EventStore, keys: [(&str, &str); N]) -> Rig {
    let (clock, desk, book) = (ManualClock::new(), Arc::new(Desk::default()), Book::default());
    let builder = builder(&clock, &desk, store).audit(book.clone());
    let app = builder.config(config(keys)).build().expect("the desk is complete");
    Rig { app, clock, desk, book }
}

/// Lets everything run that can.
pub async fn settle() {
    for _ in 0..60 {
        tokio::task::yield_now().await;
    }
}

impl Rig {
    /// Other keys, while calls go on.
    pub fn change<const N: usize>(&self, keys: [(&str, &str); N]) {
        self.app.reconfigure(config(keys)).expect("these keys may change");
    }

    pub async fn pass(&self, millis: u64) {
        settle().await;
        self.clock.advance(Duration::from_millis(millis));
        settle().await;
    }

    /// Starts a command that takes its time; gives the code it ends with.
    pub fn work(&self, millis: u64) -> tokio::task::JoinHandle<&'static str> {
        let app = self.app.clone();
        tokio::spawn(async move { code(app.execute(Work { millis }).await) })
    }

    pub fn look(&self, millis: u64) -> tokio::task::JoinHandle<&'static str> {
        let app = self.app.clone();
        tokio::spawn(async move { code(app.query(Look { millis }).await) })
    }

    pub async fn press(&self) -> &'static str {
        let app = self.app.clone();
        self.through(tokio::spawn(async move { code(app.execute(Press {}).await) })).await
    }

    pub async fn peek(&self) -> &'static str {
        let app = self.app.clone();
        self.through(tokio::spawn(async move { code(app.query(Peek {}).await) })).await
    }

    /// Lets time pass until a call has ended.
    async fn through(&self, call: tokio::task::JoinHandle<&'static str>) -> &'static str {
        settle().await;
        while !call.is_finished() {
            self.clock.advance(Duration::from_millis(1));
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        }
        call.await.unwrap()
    }
}

/// How a call has ended: `done`, or the code of its error.
pub fn code<T>(ended: Result<T, impl ErrorCode>) -> &'static str {
    ended.map_or_else(|error| error.code().as_str(), |_| "done")
}
