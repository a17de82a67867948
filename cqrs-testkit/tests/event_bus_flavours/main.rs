//! What only one flavour of the event bus promises, and what stands around it.

mod batch;
mod ending;
mod interest;
mod nested;
mod overload;
mod queued;
mod same;
mod schedules;
mod synchronous;

use std::sync::{Arc, Mutex};

use cqrs_core::event_bus::{
    AsyncBus, AsyncBusBuilder, BusEvent, Handler, HandlerResult, Interest, Subscriber,
};
use cqrs_core::prelude::*;
use cqrs_core::runtime::Services;
use cqrs_testkit::ManualClock;

#[derive(Event, Clone, Debug, PartialEq)]
enum Tick {
    Made { n: u64 },
}

/// What was seen, in order.
type Log<T> = Arc<Mutex<Vec<T>>>;

fn all<T: Clone>(log: &Log<T>) -> Vec<T> {
    log.lock().unwrap().clone()
}

fn add<T>(log: &Log<T>, one: T) {
    log.lock().unwrap().push(one);
}

fn tick(key: &'static str, n: u64) -> BusEvent {
    BusEvent::of(&Services::default(), key, Tick::Made { n })
}

fn number(event: &BusEvent) -> u64 {
    match event.value() {
        Some(Tick::Made { n }) => *n,
        None => panic!("only ticks are published"),
    }
}

/// Virtual time.
fn surroundings() -> (Services, ManualClock) {
    let clock = ManualClock::new();
    let mut services = Services::default();
    services.clock = Arc::new(clock.clone());
    (services, clock)
}

fn queued() -> (AsyncBusBuilder, ManualClock) {
    let (services, clock) = surroundings();
    (AsyncBus::builder().services(services), clock)
}

/// A subscriber that writes the numbers down.
fn writer(name: &'static str, log: &Log<u64>) -> Subscriber {
    let log = Arc::clone(log);
    Subscriber::on(name, move |Tick::Made { n }: &Tick, _| {
        add(&log, *n);
        Ok(())
    })
}

fn waiting<Rest>(
    name: &'static str,
    handler: impl Fn(u64) -> Rest + Send + Sync + 'static,
) -> Subscriber
where
    Rest: Future<Output = HandlerResult> + Send + 'static,
{
    let handler = Handler::waiting(move |event: &BusEvent| handler(number(event)));
    Subscriber::new(name, Interest::of::<Tick>(), handler)
}

#[expect(clippy::disallowed_methods, reason = "the runtime of a test ends with it")]
fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// Lets every task run that can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
