//! What a call takes from the heap beside what its handler does.

use std::sync::Arc;
use std::task::Poll;

use allocation_counter::measure;
use cqrs_core::app::AppBuilder;
use cqrs_core::event_bus::{EventBus, Handler, Interest, Subscriber, SyncBus};
use cqrs_core::policy::PolicySettings;
use cqrs_core::prelude::*;
use cqrs_core::store::Store;
use tokio::runtime::{Builder, Runtime};

mod desk {
    //! Handlers that take nothing themselves.

    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    pub struct Now {
        #[check(max = 10)]
        pub n: u32,
    }

    #[derive(Command)]
    pub struct Later {
        #[check(max = 10)]
        pub n: u32,
    }

    /// Its handler gives way in between.
    #[derive(Command)]
    pub struct Slowly {
        #[check(max = 10)]
        pub n: u32,
    }

    #[derive(Query)]
    #[query(output = u32, cache = "10m")]
    pub struct Ask {
        pub n: u32,
    }

    #[derive(Event)]
    pub enum DeskEvent {
        Rang { n: u32 },
    }

    #[derive(Rejection, Debug)]
    pub enum Never {}

    pub struct More(pub u32);

    #[command_handler]
    fn now(command: &Now, more: Dep<More>) -> Result<u32, Never> {
        Ok(command.n + more.0)
    }

    #[command_handler]
    async fn later(command: &Later, more: &Dep<More>) -> Result<u32, Never> {
        Ok(command.n + more.0)
    }

    #[command_handler]
    async fn slowly(command: &Slowly, more: Dep<More>) -> Result<u32, Never> {
        tokio::task::yield_now().await;
        Ok(command.n + more.0)
    }

    #[query_handler]
    fn ask(query: &Ask) -> Result<u32, QueryError> {
        Ok(query.n)
    }
}

use desk::{Ask, DeskEvent, Later, More, Now, Slowly};

const CALLS: u64 = 100;

fn builder() -> AppBuilder<Store> {
    App::builder().modules(modules![desk]).store(MemoryStore::new()).provide(Arc::new(More(1)))
}

/// Without limits, figures and repetitions.
fn bare() -> App {
    let off = PolicySettings::new().no_timeout().no_retries();
    let builder = builder().without_metrics().commands(off.clone()).queries(off);
    builder.build().expect("the desk is complete")
}

/// What one of many calls takes, rounded down.
fn each(call: impl AsyncFn()) -> u64 {
    let runtime = runtime();
    let calls = async |count| {
        for _ in 0..count {
            call().await;
        }
    };
    // The first ones fill what later ones use again.
    runtime.block_on(calls(10));
    measure(|| runtime.block_on(calls(CALLS))).count_total / CALLS
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("the system gives a runtime")
}

fn within_a_runtime<T>(body: impl FnOnce() -> T) -> T {
    let runtime = runtime();
    let _within = runtime.enter();
    body()
}

#[test]
fn the_counter_counts() {
    assert_eq!(each(async || drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn a_handler_that_does_not_wait_takes_nothing() {
    for app in within_a_runtime(|| [bare(), builder().build().expect("it is complete")]) {
        let taken = each(async || {
            assert_eq!(app.execute(Now { n: 2 }).await.expect("it answers").value, 3);
        });
        assert_eq!(taken, 0);
    }
}

#[test]
fn a_handler_that_may_wait_takes_one_box() {
    for app in within_a_runtime(|| [bare(), builder().build().expect("it is complete")]) {
        let taken = each(async || {
            assert_eq!(app.execute(Later { n: 2 }).await.expect("it answers").value, 3);
        });
        assert_eq!(taken, 1);
    }
}

#[test]
fn a_handler_that_waits_takes_no_more() {
    let app = within_a_runtime(bare);
    let taken = each(async || {
        assert_eq!(app.execute(Slowly { n: 2 }).await.expect("it answers").value, 3);
    });
    assert_eq!(taken, 1);
}

#[test]
fn a_call_by_name_takes_the_box_of_its_answer() {
    let app = within_a_runtime(bare);
    let taken = each(async || {
        let executed = app.execute_any("Now", &Now { n: 2 }, Origin::new()).await;
        assert_eq!(executed.expect("it answers").value.downcast_ref(), Some(&3_u32));
    });
    assert_eq!(taken, 1);
}

#[test]
fn an_answer_that_is_kept_takes_nothing() {
    let app = within_a_runtime(|| builder().build().expect("it is complete"));
    let taken = each(async || {
        assert_eq!(app.query(Ask { n: 2 }).await.expect("it answers"), 2);
    });
    assert_eq!(taken, 0);
    assert_eq!(app.cache_statistics().misses, 1);
}

#[test]
fn an_event_takes_one_allocation_on_its_way_to_a_subscriber() {
    let bus = within_a_runtime(|| SyncBus::builder().build());
    let handler = Handler::of(|DeskEvent::Rang { n }: &DeskEvent, _| {
        assert_eq!(*n, 2);
        Ok(())
    });
    bus.subscribe(Subscriber::new("desk", Interest::of::<DeskEvent>(), handler));
    let taken = each(async || {
        bus.publish(bus.event("desk", DeskEvent::Rang { n: 2 })).await.expect("it is handled");
    });
    assert_eq!(taken, 1);
}

#[test]
fn an_event_in_flight_takes_less_than_its_bound() {
    let bus = within_a_runtime(|| SyncBus::builder().build());
    let counted = measure(|| {
        std::hint::black_box(bus.event("desk", DeskEvent::Rang { n: 0 }));
    });
    assert!(counted.bytes_max <= 150, "{} bytes", counted.bytes_max);
}

/// Ten thousand calls that wait at once through the default stack.
#[test]
fn many_calls_at_once_take_a_bounded_room_each() {
    const AT_ONCE: u64 = 10_000;
    const BYTES: u64 = 4_096;
    let app = within_a_runtime(|| builder().build().expect("it is complete"));
    let runtime = runtime();
    let all = async {
        let call = |_| Box::pin(app.execute(Slowly { n: 2 }).into_future());
        let mut calls: Vec<_> = (0..AT_ONCE).map(call).collect();
        std::future::poll_fn(|cx| {
            assert!(calls.iter_mut().all(|call| call.as_mut().poll(cx).is_pending()), "all wait");
            Poll::Ready(())
        })
        .await;
        for call in calls {
            assert_eq!(call.await.expect("it answers").value, 3);
        }
    };
    let counted = measure(|| runtime.block_on(tokio::task::unconstrained(all)));
    let each = counted.bytes_max / AT_ONCE;
    assert!(each <= BYTES, "{each} bytes a call");
}
