//! What stands between a caller and a handler, against code written by hand, in
//! the same run: `cargo bench -p benches --bench bus`. Beside each line stand
//! the nanoseconds and the allocations of one call, and its instructions where
//! valgrind is installed.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and prints it"
)]

mod by_hand;
mod desk;
mod in_flight;
mod instructions;
mod layers;
mod limiter;

#[allow(dead_code, reason = "other benchmarks print rates")]
#[path = "../ratios/report.rs"]
mod report;

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::app::AppBuilder;
use cqrs_core::event_bus::{EventBus, Handler, Interest, Subscriber, SyncBus};
use cqrs_core::policy::{PolicySettings, Principal, RateSettings};
use cqrs_core::prelude::*;
use cqrs_core::store::Store;
use desk::{Ask, Desk, DeskEvent, Ping, PingLater};
use instructions::Mode;
use report::timed;

const CALLS: u32 = 100_000;
const ROUNDS: usize = 11;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    println!("| Work | Ours | Aim | By hand | Ratio |");
    println!("|---|---|---|---|---|");
    let _within = runtime.enter();
    if wants("typed") {
        typed(&runtime);
    }
    if wants("name") {
        by_name(&runtime);
    }
    if wants("light") {
        light(&runtime);
    }
    if wants("seven") {
        seven(&runtime);
    }
    if wants("cached") {
        cached(&runtime);
    }
    if wants("emit") {
        emit(&runtime);
    }
    if wants("threads") {
        threads();
    }
    if wants("limiter") {
        limiter::run();
    }
    if wants("10,000") {
        in_flight::run(&runtime);
    }
}

/// What one call takes.
#[derive(Clone, Copy, Default)]
struct Cost {
    nanos: f64,
    allocations: f64,
    instructions: Option<f64>,
}

/// Does something so often.
type Work<'a> = Box<dyn FnMut(u32) + 'a>;

fn work<'a>(
    runtime: &'a tokio::runtime::Runtime,
    mut calls: impl AsyncFnMut(u32) + 'a,
) -> Work<'a> {
    Box::new(move |count| runtime.block_on(calls(count)))
}

/// Runs works in turn, so that all of them meet the same machine.
fn costs<const N: usize>(mut works: [Work<'_>; N]) -> [Cost; N] {
    let places: [usize; N] = std::array::from_fn(|_| instructions::place());
    if let Mode::Counted(wanted, calls) = Mode::of_this_run() {
        if let Some(at) = places.iter().position(|place| *place == wanted) {
            works[at](calls);
            std::process::exit(0);
        }
        return [Cost::default(); N];
    }
    let allocations = works.each_mut().map(|work| {
        work(CALLS / 10);
        allocation_counter::measure(|| work(1_000)).count_total as f64 / 1_000.0
    });
    let mut rounds = works.each_ref().map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for (work, rounds) in works.iter_mut().zip(&mut rounds) {
            rounds.push(timed(|| work(CALLS)).as_secs_f64() * 1e9 / f64::from(CALLS));
        }
    }
    std::array::from_fn(|at| {
        rounds[at].sort_by(f64::total_cmp);
        Cost {
            nanos: rounds[at][ROUNDS / 2],
            allocations: allocations[at],
            instructions: instructions::of_one_call(places[at]),
        }
    })
}

fn line(name: &str, ours: Cost, aim: &str, hand: Option<Cost>) {
    let cell = |Cost { nanos, allocations, instructions }: Cost| {
        let counted = instructions.map(|count| format!(", {count:.0} instructions"));
        let counted = counted.unwrap_or_default();
        format!("{nanos:.1} ns{counted}, {allocations:.0} allocations")
    };
    let (by_hand, ratio) = match hand {
        None => (String::new(), String::new()),
        Some(hand) => {
            let counted = ours.instructions.zip(hand.instructions);
            let counted = counted.map(|(ours, hand)| format!("; {:.2}", ours / hand));
            let counted = counted.unwrap_or_default();
            (cell(hand), format!("{:.2}{counted}", ours.nanos / hand.nanos))
        }
    };
    println!("| {name} | {} | {aim} | {by_hand} | {ratio} |", cell(ours));
}

fn builder() -> AppBuilder<Store> {
    App::builder()
        .modules(modules![desk])
        .store(MemoryStore::new())
        .provide(Arc::new(Desk::default()))
}

/// No policy at all: no figures, no limits, nothing logged.
fn bare() -> App {
    let off = PolicySettings::new().no_timeout().no_retries();
    let builder = builder().without_metrics().commands(off.clone()).queries(off);
    builder.build().expect("the desk is complete")
}

/// A command whose handler does not wait.
fn now<'a>(runtime: &'a tokio::runtime::Runtime, app: &'a App) -> Work<'a> {
    work(runtime, async |calls| {
        for n in 0..calls {
            app.execute(Ping { n }).await.expect("it answers");
        }
    })
}

/// One whose handler may.
fn later<'a>(runtime: &'a tokio::runtime::Runtime, app: &'a App) -> Work<'a> {
    work(runtime, async |calls| {
        for n in 0..calls {
            app.execute(PingLater { n }).await.expect("it answers");
        }
    })
}

fn typed(runtime: &tokio::runtime::Runtime) {
    let app = bare();
    let (object, map) = (by_hand::object(), by_hand::map());
    let [ours, later, hand, by_map] = costs([
        now(runtime, &app),
        later(runtime, &app),
        work(runtime, async |calls| {
            for n in 0..calls {
                object.handle(std::hint::black_box(Ping { n })).await.expect("it answers");
            }
        }),
        work(runtime, async |calls| {
            for n in 0..calls {
                map.send(std::hint::black_box(Ping { n })).await.expect("it answers");
            }
        }),
    ]);
    line("typed, a synchronous handler, against a trait object", ours, "≤ 1.2 ×, 0", Some(hand));
    line(
        "typed, an asynchronous handler, against a trait object",
        later,
        "≤ 1.2 ×, ≤ 1",
        Some(hand),
    );
    line("typed, a synchronous handler, against a map of boxes", ours, "≤ 0.5 ×", Some(by_map));
}

fn by_name(runtime: &tokio::runtime::Runtime) {
    let app = bare();
    let [ours, decoded] = costs([
        work(runtime, async |calls| {
            for n in 0..calls {
                let payload: [u8; 7] = *b"{\"n\":1}";
                let _ = std::hint::black_box(n);
                app.execute_json("Ping", &payload, Origin::new()).await.expect("it answers");
            }
        }),
        work(runtime, async |calls| {
            for n in 0..calls {
                let command = Ping { n };
                app.execute_any("Ping", &command, Origin::new()).await.expect("it answers");
            }
        }),
    ]);
    line("by name, a value in and out", decoded, "≤ 25 ns, ≤ 1", None);
    line("by name, JSON in and out", ours, "", None);
}

/// Validation, a timeout and figures.
fn light(runtime: &tokio::runtime::Runtime) {
    let app = builder().build().expect("the desk is complete");
    let [ours, later] = costs([now(runtime, &app), later(runtime, &app)]);
    line("light: validation, timeout, figures", ours, "≤ 150 ns, ≤ 2", None);
    line("light, an asynchronous handler", later, "≤ 150 ns, ≤ 2", None);
}

/// Rate limit, authorisation, validation, timeout, concurrency, breaker, retry.
fn seven(runtime: &tokio::runtime::Runtime) {
    let most = std::num::NonZeroU32::MAX;
    let settings = PolicySettings::new()
        .rate_limit(RateSettings::new(most, Duration::from_secs(1)))
        .access(cqrs_core::policy::Access::Authenticated)
        .timeout(Duration::from_secs(1))
        .concurrency(most)
        .breaker("desk")
        .retries(3);
    let app = builder().without_metrics().commands(settings).build().expect("the desk is complete");
    let principal = Principal::new("ann");
    let stack = layers::seven();
    let [ours, hand] = costs([
        work(runtime, async |calls| {
            for n in 0..calls {
                let origin = Origin::new().principal(principal.clone());
                app.execute(PingLater { n }).from(origin).await.expect("it answers");
            }
        }),
        work(runtime, async |calls| {
            for n in 0..calls {
                let request = layers::Request { n, actor: Some("ann".to_owned()) };
                layers::call(&stack, request).await.expect("it answers");
            }
        }),
    ]);
    line("seven policies, against seven boxed layers", ours, "≤ 0.5 ×", Some(hand));
}

fn cached(runtime: &tokio::runtime::Runtime) {
    let app = builder().without_metrics().build().expect("the desk is complete");
    let [ours] = costs([work(runtime, async |calls| {
        for n in 0..calls {
            app.query(Ask { n: n % 100 }).await.expect("it answers");
        }
    })]);
    line("cached query", ours, "≤ 90 ns, ≤ 1", None);
}

/// One event with its id and time, to one subscriber.
fn emit(runtime: &tokio::runtime::Runtime) {
    let bus = SyncBus::builder().build();
    let handler = Handler::of(|event: &DeskEvent, _| {
        std::hint::black_box(event);
        Ok(())
    });
    let _subscription =
        bus.subscribe(Subscriber::new("desk", Interest::of::<DeskEvent>(), handler));
    let [ours] = costs([work(runtime, async |calls| {
        for n in 0..calls {
            bus.publish(bus.event("desk", DeskEvent::Rang { n })).await.expect("it is handled");
        }
    })]);
    line("emit: one event on the synchronous event bus", ours, "≤ 100 ns", None);
    let event = bus.event("desk", DeskEvent::Rang { n: 0 });
    let counted = allocation_counter::measure(|| {
        std::hint::black_box(bus.event("desk", DeskEvent::Rang { n: 0 }));
    });
    let bytes = counted.bytes_max as usize + std::mem::size_of_val(&event);
    println!("| emit: an event in flight | {bytes} bytes | ≤ 600 bytes | | |");
}

/// What two threads do together against one, and the same by hand.
fn threads() {
    let app = bare();
    let object = Arc::new(by_hand::object());
    let gain = |run: &(dyn Fn() + Sync)| {
        let one = timed(run);
        let two = timed(|| {
            std::thread::scope(|scope| {
                scope.spawn(run);
                scope.spawn(run);
            });
        });
        2.0 * one.as_secs_f64() / two.as_secs_f64()
    };
    let ours = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            for n in 0..CALLS * 5 {
                app.execute(Ping { n }).await.expect("it answers");
            }
        });
    };
    let hand = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            for n in 0..CALLS * 5 {
                object.handle(std::hint::black_box(Ping { n })).await.expect("it answers");
            }
        });
    };
    let median = |run: &(dyn Fn() + Sync)| {
        let mut gains: Vec<f64> = (0..ROUNDS).map(|_| gain(run)).collect();
        gains.sort_by(f64::total_cmp);
        gains[ROUNDS / 2]
    };
    let (ours, hand) = (median(&ours), median(&hand));
    println!(
        "| two threads against one | {ours:.2} × | ≥ 0.95 of by hand | {hand:.2} × | {:.2} |",
        ours / hand
    );
}
