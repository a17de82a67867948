//! The event bus of an application: fed from the log, in either flavour.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::config::{Config, Limit};
use cqrs_core::event_bus::{
    AsyncBus, DeliveryError, EventBus, Failure, Flavour, Handler, HandlerError, Interest, Overflow,
    PublishError, Subscriber, SyncBus,
};
use cqrs_core::prelude::*;
use cqrs_core::runtime::Services;
use cqrs_testkit::fault::{Fault, FaultyStore, Gate};
use support::bank::*;
use tokio::sync::Semaphore;

use crate::stores::{GUARD, builder, open};

/// What a subscriber has seen, in order.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<i64>>>);

impl Seen {
    pub fn all(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }

    pub fn subscriber(&self, name: &'static str) -> Subscriber {
        let seen = self.clone();
        Subscriber::on(name, move |event: &AccountEvent, _| {
            seen.0.lock().unwrap().push(cents(event));
            Ok(())
        })
    }
}

fn cents(event: &AccountEvent) -> i64 {
    match event {
        AccountEvent::Deposited { cents } => *cents,
        _ => 0,
    }
}

pub fn deposit(cents: i64) -> Deposit {
    Deposit { account: "a".into(), cents }
}

pub fn flavoured(flavour: Flavour) -> Config {
    let mut config = Config::default();
    config.event_bus.flavour = flavour;
    config
}

pub fn app_with(config: Config) -> App {
    builder().config(config).store(MemoryStore::new()).build().unwrap()
}

pub async fn handled(app: &App, cents: i64) {
    let executed = app.execute(deposit(cents)).await.unwrap();
    app.wait_for_events(executed.receipt.token().unwrap(), GUARD).await.unwrap();
}

/// A subscriber that waits until it is let go.
pub fn gated(name: &'static str, running: &Arc<AtomicUsize>, gate: &Arc<Semaphore>) -> Subscriber {
    let (running, gate) = (Arc::clone(running), Arc::clone(gate));
    let handler = Handler::waiting(move |_| {
        let (running, gate) = (Arc::clone(&running), Arc::clone(&gate));
        async move {
            running.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await?.forget();
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    Subscriber::new(name, Interest::of::<AccountEvent>(), handler)
}

/// Lets every task run until something holds.
pub async fn until(holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, held).await.expect("it never came to that");
}

#[tokio::test]
async fn the_same_application_runs_on_either_flavour_a_hundred_times() {
    for _ in 0..100 {
        for flavour in [Flavour::Sync, Flavour::Async] {
            let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
            app.events().subscribe(seen.subscriber("seen"));
            open(&app, "a").await;

            for cents in 1..=5 {
                handled(&app, cents).await;
            }

            assert_eq!(seen.all(), [0, 1, 2, 3, 4, 5], "{flavour:?}");
            assert!(app.shutdown().await.is_orderly(), "{flavour:?}");
        }
    }
}

#[tokio::test]
async fn one_line_moves_from_one_flavour_to_the_other() {
    async fn run(app: App) -> Vec<i64> {
        let seen = Seen::default();
        app.events().subscribe(seen.subscriber("seen"));
        open(&app, "a").await;
        handled(&app, 7).await;
        seen.all()
    }
    let store = MemoryStore::new;

    let synchronous = builder().event_bus(SyncBus::builder().build()).store(store());
    let queued = builder().event_bus(AsyncBus::builder().build()).store(store());

    assert_eq!(run(synchronous.build().unwrap()).await, [0, 7]);
    assert_eq!(run(queued.build().unwrap()).await, [0, 7]);
}

#[tokio::test]
async fn a_synchronous_bus_has_called_its_subscribers_when_a_command_answers() {
    let (app, seen) = (app_with(flavoured(Flavour::Sync)), Seen::default());
    let log = seen.clone();
    app.events().subscribe(Subscriber::new(
        "slow",
        Interest::of::<AccountEvent>(),
        Handler::waiting(move |event| {
            let (log, event) = (log.clone(), event.clone());
            async move {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                log.0.lock().unwrap().push(event.record().unwrap().position().get() as i64);
                Ok(())
            }
        }),
    ));

    open(&app, "a").await;
    assert_eq!(seen.all(), [1]);
    app.execute(deposit(1)).await.unwrap();
    assert_eq!(seen.all(), [1, 2]);
}

#[tokio::test]
async fn a_subscriber_gets_what_is_stored_after_it_came() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
        open(&app, "a").await;
        app.execute(deposit(1)).await.unwrap();
        app.events().subscribe(seen.subscriber("late"));

        handled(&app, 2).await;

        assert_eq!(seen.all(), [2], "{flavour:?}");
    }
}

#[tokio::test]
async fn a_bus_may_bring_its_subscribers_along() {
    let (bus, seen) = (SyncBus::builder().build(), Seen::default());
    bus.subscribe(seen.subscriber("early"));
    let app = builder().event_bus(bus).store(MemoryStore::new()).build().unwrap();

    open(&app, "a").await;

    assert_eq!(seen.all(), [0]);
}

#[tokio::test]
async fn what_was_not_stored_is_published_to_nobody() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let store = FaultyStore::new(MemoryStore::new());
        let app = builder().config(flavoured(flavour)).store(store.clone()).build().unwrap();
        let seen = Seen::default();
        app.events().subscribe(seen.subscriber("seen"));
        open(&app, "a").await;

        store.inject(Fault::unavailable().times(1_000));
        app.execute(deposit(1)).await.unwrap_err();
        store.recover();
        handled(&app, 2).await;

        assert_eq!(seen.all(), [0, 2], "{flavour:?}");
    }
}

#[tokio::test]
async fn a_subscriber_that_fails_does_not_fail_the_command() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let hooked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&hooked);
        let hook = move |_: &Failure| {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let store = MemoryStore::new();
        let app = match flavour {
            Flavour::Sync => builder().event_bus(SyncBus::builder().on_error(hook).build()),
            _ => builder().event_bus(AsyncBus::builder().on_error(hook).build()),
        };
        let app = app.store(store).build().unwrap();
        open(&app, "a").await;
        app.events().subscribe(Subscriber::on("failing", |_: &AccountEvent, _| {
            Err(HandlerError::permanent("not this one"))
        }));

        handled(&app, 1).await;

        let errors = app.events().errors();
        assert_eq!((errors.counts().total, hooked.load(Ordering::SeqCst)), (1, 1), "{flavour:?}");
        let failure = errors.try_next().unwrap();
        assert_eq!((&*failure.subscriber, failure.event.key()), ("failing", "a"));
        assert!(failure.to_string().ends_with(": not this one"), "{failure}");
        assert_eq!(failure.error.code().as_str(), "event_handler_failed");
    }
}

#[tokio::test]
async fn a_panic_of_one_subscriber_leaves_the_others_alone() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, first, third) = (app_with(flavoured(flavour)), Seen::default(), Seen::default());
        open(&app, "a").await;
        app.events().subscribe(first.subscriber("first"));
        app.events()
            .subscribe(Subscriber::on("second", |_: &AccountEvent, _| panic!("on purpose")));
        app.events().subscribe(third.subscriber("third"));

        handled(&app, 5).await;

        assert_eq!((first.all(), third.all()), (vec![5], vec![5]), "{flavour:?}");
        let failures = app.events().errors().take();
        assert_eq!(failures.len(), 1);
        assert!(matches!(*failures[0].error, DeliveryError::Panicked { .. }));
    }
}

#[tokio::test]
async fn subscribers_run_although_the_caller_has_gone() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let store = FaultyStore::new(MemoryStore::new());
        let app = builder().config(flavoured(flavour)).store(store.clone()).build().unwrap();
        let seen = Seen::default();
        open(&app, "a").await;
        app.events().subscribe(seen.subscriber("seen"));
        let gate = Gate::new();
        store.inject(Fault::delay(&gate));
        let caller = tokio::spawn({
            let app = app.clone();
            async move { app.execute(deposit(9)).await.map(drop) }
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }

        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        gate.release();
        until(|| seen.all() == [9]).await;

        assert_eq!(app.events().errors().counts().total, 0);
    }
}

#[tokio::test]
async fn a_subscriber_may_send_commands() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
        open(&app, "a").await;
        app.events().subscribe(seen.subscriber("seen"));
        let sender = app.clone();
        let handler = Handler::waiting(move |event| {
            let (app, version) = (sender.clone(), event.record().unwrap().version().get());
            async move {
                if version == 2 {
                    app.execute(deposit(20)).await?;
                }
                Ok(())
            }
        });
        let sending = Subscriber::new("sending", Interest::of::<AccountEvent>(), handler);
        let subscription = app.events().subscribe(sending);

        app.execute(deposit(10)).await.unwrap();
        until(|| seen.all() == [10, 20]).await;

        assert_eq!(app.events().errors().counts().total, 0, "{flavour:?}");
        subscription.unsubscribe();
    }
}

#[tokio::test]
async fn an_application_that_has_shut_down_publishes_nothing() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, seen) = (app_with(flavoured(flavour)), Seen::default());
        app.events().subscribe(seen.subscriber("seen"));
        open(&app, "a").await;
        assert!(app.shutdown().await.is_orderly());

        let event = cqrs_core::event_bus::BusEvent::of(
            &Services::default(),
            "a",
            AccountEvent::Deposited { cents: 1 },
        );
        let refused = app.events().publish(event).await.unwrap_err();

        assert!(matches!(refused, PublishError::Stopped));
        assert_eq!(refused.code().as_str(), "shutting_down");
        // What was stored before the end was published before it.
        assert_eq!(seen.all(), [0], "{flavour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_hangs_keeps_a_shutdown_no_longer_than_its_grace() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let store = MemoryStore::new();
        let app = builder().config(flavoured(flavour)).store(store).build().unwrap();
        open(&app, "a").await;
        let (running, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        app.events().subscribe(gated("hanging", &running, &gate));
        let caller = tokio::spawn({
            let app = app.clone();
            async move { app.execute(deposit(1)).await.map(drop) }
        });
        until(|| running.load(Ordering::SeqCst) == 1).await;
        caller.abort();

        let left = app.shutdown_within(Duration::from_secs(4)).await;

        // The rest has stopped in order within the other half of the grace.
        assert_eq!((left.calls, left.tasks, left.deliveries), (0, 0, 1), "{flavour:?}");
        assert!(!left.is_orderly());
        let failures = app.events().errors().take();
        assert!(matches!(*failures[0].error, DeliveryError::Stopped), "{flavour:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn sixteen_threads_publish_and_subscribe_at_once() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let (app, all) = (app_with(flavoured(flavour)), Seen::default());
        app.events().subscribe(all.subscriber("all"));
        let threads = (0..16).map(|n: i64| {
            let app = app.clone();
            tokio::spawn(async move {
                let account = format!("{n}");
                open(&app, &account).await;
                for cents in 1..=25 {
                    let seen = Seen::default();
                    let subscription = app.events().subscribe(seen.subscriber("passing"));
                    let deposit = Deposit { account: account.as_str().into(), cents };
                    app.execute(deposit).await.unwrap();
                    let event = cqrs_core::event_bus::BusEvent::of(
                        &Services::default(),
                        account.clone(),
                        AccountEvent::Deposited { cents: 0 },
                    );
                    app.events().publish_and_wait(event).await.unwrap();
                    subscription.unsubscribe();
                    assert!(!seen.all().is_empty());
                }
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.await.unwrap();
        }
        app.catch_up(GUARD).await.unwrap();

        assert!(app.shutdown().await.is_orderly(), "{flavour:?}");
        let seen = all.all();
        assert_eq!((seen.len(), seen.iter().sum::<i64>()), (16 * 51, 16 * 325), "{flavour:?}");
        assert_eq!(app.events().errors().counts().total, 0, "{flavour:?}");
    }
}

/// Stores so many events that a subscriber which hangs gets them all, and
/// returns once the bus was offered each.
pub async fn flood(app: &App, count: i64) {
    for cents in 1..=count {
        app.execute(deposit(cents)).await.unwrap();
    }
}

pub async fn hanging(config: Config) -> (App, Arc<AtomicUsize>, Arc<Semaphore>) {
    let app = app_with(config);
    open(&app, "a").await;
    let (running, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    app.events().subscribe(gated("hanging", &running, &gate));
    (app, running, gate)
}

#[tokio::test]
async fn the_queue_and_what_happens_when_it_is_full_are_configured() {
    let mut config = flavoured(Flavour::Async);
    (config.event_bus.queue, config.event_bus.overflow) = (3, Overflow::Shed);
    let (app, _, gate) = hanging(config.clone()).await;
    let errors = app.events().errors().clone();

    flood(&app, 5).await;
    until(|| errors.counts().total == 2).await;
    let shed = errors.take();
    assert!(shed.iter().all(|one| matches!(*one.error, DeliveryError::Shed { capacity: 3 })));

    config.event_bus.overflow = Overflow::Refuse;
    app.reconfigure(config).unwrap();
    flood(&app, 1).await;
    until(|| errors.counts().total == 3).await;
    let refused = errors.take();
    let DeliveryError::NotPublished(refused) = &*refused[0].error else { panic!("{refused:?}") };
    assert!(matches!(**refused, PublishError::Full { capacity: 3, .. }));
    gate.add_permits(100);
}

#[tokio::test]
async fn how_many_subscribers_run_at_once_is_configured_while_they_run() {
    let mut config = flavoured(Flavour::Async);
    config.event_bus.concurrency = Limit::Of(2);
    let (app, running, gate) = hanging(config.clone()).await;
    for name in ["second", "third", "fourth"] {
        app.events().subscribe(gated(name, &running, &gate));
    }
    let now = || running.load(Ordering::SeqCst);
    flood(&app, 1).await;
    until(|| now() == 2).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(now(), 2);

    config.event_bus.concurrency = Limit::None;
    app.reconfigure(config.clone()).unwrap();
    until(|| now() == 4).await;

    config.event_bus.concurrency = Limit::Of(1);
    app.reconfigure(config).unwrap();
    gate.add_permits(4);
    until(|| now() == 0).await;
    flood(&app, 1).await;
    until(|| now() == 1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(now(), 1);
    gate.add_permits(100);
}

#[tokio::test]
async fn how_many_errors_are_kept_is_configured() {
    let mut config = flavoured(Flavour::Sync);
    config.event_bus.error_buffer = 2;
    let app = app_with(config);
    open(&app, "a").await;
    app.events().subscribe(Subscriber::on("failing", |_: &AccountEvent, _| {
        Err(HandlerError::permanent("no"))
    }));

    flood(&app, 5).await;

    let errors = app.events().errors();
    assert_eq!((errors.counts().total, errors.counts().lost), (5, 3));
    assert_eq!(errors.take().len(), 2);
}

#[tokio::test]
async fn a_strict_bus_reports_what_nobody_wants_while_it_is_strict() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let mut config = flavoured(flavour);
        let app = app_with(config.clone());
        open(&app, "a").await;
        let nothing = Interest::types(["nothing.at_all"]);
        app.events().subscribe(Subscriber::new("idle", nothing, Handler::new(|_| Ok(()))));
        handled(&app, 1).await;
        assert_eq!(app.events().errors().counts().total, 0);

        config.event_bus.strict = true;
        app.reconfigure(config).unwrap();
        handled(&app, 2).await;

        let failures = app.events().errors().take();
        let DeliveryError::NotPublished(error) = &*failures[0].error else {
            panic!("{failures:?}")
        };
        assert!(matches!(**error, PublishError::NoSubscriber { .. }), "{flavour:?}");
    }
}

#[tokio::test]
async fn a_bus_is_as_strict_at_the_start_as_its_configuration_says() {
    for flavour in [Flavour::Sync, Flavour::Async] {
        let mut config = flavoured(flavour);
        config.event_bus.strict = true;
        let app = app_with(config);
        open(&app, "a").await;
        let nothing = Interest::types(["nothing.at_all"]);
        app.events().subscribe(Subscriber::new("idle", nothing, Handler::new(|_| Ok(()))));

        handled(&app, 1).await;

        assert_eq!(app.events().errors().counts().total, 1, "{flavour:?}");
    }
}
