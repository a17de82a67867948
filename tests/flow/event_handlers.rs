//! Event handlers: at least once, in order, through crashes, with retries and
//! dead letters.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::bus::{Call, Middleware, Next, Outcome, Scope};
use cqrs_core::prelude::*;
use cqrs_core::resilience::Backoff;
use cqrs_core::store::{EventStore, Position};
use cqrs_core::subscription::{ParkedFor, Recovery, RecoveryTable, Start, SubscriptionState};
use support::bank::*;

use crate::stores::{GUARD, open};

mod listeners {
    //! Handlers that note what they get and fail as a test asks them to.

    use super::*;

    cqrs_core::module!();

    /// What handlers have seen, and what they shall fail at.
    #[derive(Default)]
    pub struct Desk {
        pub notes: Mutex<BTreeMap<&'static str, Vec<String>>>,
        pub fails: Mutex<BTreeMap<&'static str, i64>>,
        pub tries: Mutex<Vec<(u32, bool)>>,
        pub panics: AtomicBool,
    }

    impl Desk {
        pub fn note(&self, handler: &'static str, text: impl Into<String>) {
            self.notes.lock().unwrap().entry(handler).or_default().push(text.into());
        }

        pub fn of(&self, handler: &str) -> Vec<String> {
            self.notes.lock().unwrap().get(handler).cloned().unwrap_or_default()
        }

        pub fn fail_at(&self, handler: &'static str, cents: i64) {
            self.fails.lock().unwrap().insert(handler, cents);
        }

        pub fn heal(&self) {
            self.fails.lock().unwrap().clear();
            self.panics.store(false, Ordering::SeqCst);
        }

        fn fails(&self, handler: &str, cents: i64) -> bool {
            self.fails.lock().unwrap().get(handler) == Some(&cents)
        }
    }

    #[derive(Debug, Rejection)]
    pub enum Failed {
        /// It did not work.
        ItDidNot,
    }

    fn line(event: &Recorded<AccountEvent>) -> String {
        let what = match event.data() {
            AccountEvent::Deposited { cents } => format!("+{cents}"),
            _ => "other".to_owned(),
        };
        format!("{} {what}", event.stream().key())
    }

    fn cents(event: &AccountEvent) -> i64 {
        match event {
            AccountEvent::Deposited { cents } => *cents,
            _ => 0,
        }
    }

    #[event_handler]
    pub async fn ledger(
        event: &Recorded<AccountEvent>,
        desk: Dep<Desk>,
        delivery: &Delivery,
        metadata: &Metadata,
    ) -> Result<(), Failed> {
        desk.tries.lock().unwrap().push((delivery.attempt, delivery.is_replay));
        assert_eq!(metadata.causation_id, Some(event.id().into()), "an event is the cause");
        if desk.fails("ledger", cents(event.data())) {
            return Err(Failed::ItDidNot);
        }
        desk.note("ledger", line(event));
        Ok(())
    }

    #[event_handler(name = "panicky")]
    pub async fn second(event: &AccountEvent, desk: Dep<Desk>) -> Result<(), Failed> {
        assert!(!desk.panics.load(Ordering::SeqCst), "on purpose");
        desk.note("panicky", format!("{}", cents(event)));
        Ok(())
    }

    /// Sends a bonus for a large deposit, once.
    #[event_handler(name = "bonuses")]
    pub async fn bonuses(event: &Recorded<AccountEvent>) -> Result<Option<Deposit>, HandlerError> {
        let account = event.aggregate_id::<AccountId>()?;
        let large = matches!(event.data(), AccountEvent::Deposited { cents: 1_000 });
        Ok(large.then_some(Deposit { account, cents: 1 }))
    }

    #[event_handler(volatile)]
    pub async fn ticker(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Failed> {
        desk.note("ticker", line(event));
        Ok(())
    }

    #[event_handler(start = "now")]
    pub async fn newcomer(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Failed> {
        desk.note("newcomer", line(event));
        Ok(())
    }

    #[event_handler(concurrency = 4, parts = 3)]
    pub async fn parallel(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Failed> {
        tokio::task::yield_now().await;
        desk.note("parallel", line(event));
        Ok(())
    }

    /// Deposits once the test says so.
    #[derive(Command)]
    pub struct Later {
        pub account: AccountId,
    }

    #[command_handler]
    pub async fn later(
        command: &Later,
        desk: Dep<Desk>,
        bus: Bus,
    ) -> Result<(), CommandError<Failed>> {
        desk.note("later", "begun");
        while !desk.panics.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let deposit = Deposit { account: command.account.clone(), cents: 1 };
        bus.execute(deposit).await.map(drop).map_err(|error| match error {
            CommandError::Bus(error) => error.into(),
            CommandError::Rejected(_) => CommandError::Rejected(Failed::ItDidNot),
            _ => unreachable!("there is nothing else"),
        })
    }

    pub struct Service {
        pub desk: Arc<Desk>,
    }

    #[handlers]
    impl Service {
        #[event_handler(name = "first-method")]
        async fn first(&self, event: &Recorded<AccountEvent>) -> Result<(), Failed> {
            self.desk.note("first-method", line(event));
            Ok(())
        }

        #[event_handler(name = "second-method", on_failure = "skip")]
        async fn second(&self, event: &AccountEvent) -> Result<(), Failed> {
            if cents(event) == 5 { Err(Failed::ItDidNot) } else { Ok(()) }
        }
    }
}

use listeners::Desk;

fn quick() -> Backoff {
    Backoff::new(Duration::from_millis(1), Duration::from_millis(2))
}

fn app(store: impl EventStore, desk: &Arc<Desk>) -> App {
    built(store, desk, |builder| builder)
}

type Builder = cqrs_core::app::AppBuilder<cqrs_core::store::Store>;

fn built(store: impl EventStore, desk: &Arc<Desk>, more: impl FnOnce(Builder) -> Builder) -> App {
    let builder = App::builder()
        .modules(cqrs_core::modules![listeners, support::bank])
        .store(store)
        .provide(Arc::clone(desk))
        .provide(Arc::new(listeners::Service { desk: Arc::clone(desk) }))
        .event_attempts(NonZeroU32::new(3).unwrap(), quick());
    more(builder).build().expect("the listeners are complete")
}

/// Deposits, and waits until every handler is done with it.
async fn deposit(app: &App, account: &str, cents: i64) {
    let done = app.execute(Deposit { account: account.into(), cents }).await.expect("it commits");
    app.wait_for_handlers(done.receipt.token().unwrap(), GUARD).await.expect("all are done");
}

fn status(app: &App, name: &str) -> cqrs_core::subscription::SubscriptionStatus {
    let mut all = app.subscriptions().into_iter();
    all.find(|one| &*one.name == name).expect("it runs")
}

async fn until(what: impl Fn() -> bool) {
    let waited = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GUARD, waited).await.expect("it happens in time");
}

#[tokio::test]
async fn every_handler_gets_every_event_of_its_type_in_the_order_of_the_log() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    for cents in 1..=3 {
        deposit(&app, "a", cents).await;
    }

    for handler in ["ledger", "ticker", "first-method"] {
        assert_eq!(desk.of(handler), ["a other", "a +1", "a +2", "a +3"], "{handler}");
    }
    assert!(desk.tries.lock().unwrap().iter().all(|tried| *tried == (1, false)));
}

#[tokio::test]
async fn a_place_is_kept_and_what_was_done_does_not_come_again() {
    let (desk, store) = (Arc::new(Desk::default()), MemoryStore::new());
    let first = app(store.clone(), &desk);
    open(&first, "a").await;
    deposit(&first, "a", 1).await;
    assert!(first.shutdown().await.is_orderly());

    let second = app(store, &desk);
    deposit(&second, "a", 2).await;

    assert_eq!(desk.of("ledger"), ["a other", "a +1", "a +2"]);
    assert_eq!(desk.of("ticker"), ["a other", "a +1", "a +2"], "it ran all the time");
}

#[tokio::test]
async fn a_new_handler_begins_where_it_says() {
    let (desk, store) = (Arc::new(Desk::default()), MemoryStore::new());
    let before = built(store.clone(), &desk, Builder::without_event_handlers);
    open(&before, "a").await;
    before.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap();

    let after = app(store, &desk);
    deposit(&after, "a", 2).await;

    assert_eq!(desk.of("ledger"), ["a other", "a +1", "a +2"]);
    assert_eq!(desk.of("newcomer"), ["a +2"]);
    assert_eq!(desk.of("ticker"), ["a +2"]);
    let replays: Vec<bool> = desk.tries.lock().unwrap().iter().map(|(_, replay)| *replay).collect();
    assert_eq!(replays, [true, true, false]);
}

#[tokio::test]
async fn a_failing_event_is_tried_again_and_then_parked_with_those_of_its_stream() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    open(&app, "b").await;
    desk.fail_at("ledger", 7);
    deposit(&app, "a", 7).await;
    deposit(&app, "a", 8).await;
    deposit(&app, "b", 9).await;

    assert_eq!(desk.of("ledger"), ["a other", "b other", "b +9"], "other streams go on");
    assert_eq!(status(&app, "ledger").parked, 2);
    let letters = app.dead_letters().list("ledger", Position::NONE, 10).await.unwrap();
    let why: Vec<_> =
        letters.iter().map(|letter| (letter.position.get(), &letter.reason)).collect();
    let ParkedFor::Failed { code, error, attempts } = why[0].1 else { panic!("{why:?}") };
    assert_eq!((code.as_str(), *attempts), ("event_handler_failed", 3));
    assert!(error.contains("It did not work"), "{error}");
    assert_eq!(why[1].1, &ParkedFor::Behind { position: why[0].0 });

    desk.heal();
    app.dead_letters().retry("ledger", letters[0].position).await.unwrap();
    until(|| status(&app, "ledger").parked == 0).await;
    assert_eq!(desk.of("ledger")[3..], ["a +7", "a +8"], "those behind follow in order");
    deposit(&app, "a", 10).await;
    assert_eq!(desk.of("ledger").last().unwrap(), "a +10");
}

#[tokio::test]
async fn a_parked_event_survives_a_restart_and_can_be_given_up() {
    let (desk, store) = (Arc::new(Desk::default()), MemoryStore::new());
    let first = app(store.clone(), &desk);
    open(&first, "a").await;
    desk.fail_at("ledger", 7);
    deposit(&first, "a", 7).await;
    first.shutdown().await;

    let second = app(store, &desk);
    deposit(&second, "a", 8).await;
    assert_eq!(desk.of("ledger"), ["a other"], "the stream still stands");
    let letters = second.dead_letters();
    let parked = letters.list("ledger", Position::NONE, 10).await.unwrap();
    assert_eq!(parked.len(), 2);
    letters.retry("ledger", Position::new(4_711)).await.unwrap_err();
    letters.discard("ledger", parked[0].position).await.unwrap();
    until(|| status(&second, "ledger").parked == 0).await;

    assert_eq!(desk.of("ledger"), ["a other", "a +8"]);
}

#[tokio::test]
async fn a_panic_is_a_failure_and_harms_no_other_handler() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    desk.panics.store(true, Ordering::SeqCst);
    open(&app, "a").await;
    deposit(&app, "a", 1).await;

    assert_eq!(desk.of("ledger"), ["a other", "a +1"]);
    assert_eq!(desk.of("panicky"), Vec::<String>::new());
    let parked = app.dead_letters().list("panicky", Position::NONE, 10).await.unwrap();
    let ParkedFor::Failed { code, error, .. } = &parked[0].reason else { panic!("{parked:?}") };
    assert_eq!(code, "panicked");
    assert!(error.contains("on purpose"), "{error}");
}

#[tokio::test]
async fn what_becomes_of_an_event_follows_the_table() {
    let (desk, store) = (Arc::new(Desk::default()), MemoryStore::new());
    let stop = RecoveryTable::always(Recovery::Stop);
    let app = built(store, &desk, |builder| builder.handler_recovery("ledger", stop));
    open(&app, "a").await;
    desk.fail_at("ledger", 5);
    let done = app.execute(Deposit { account: "a".into(), cents: 5 }).await.unwrap();
    let later = app.execute(Deposit { account: "a".into(), cents: 6 }).await.unwrap();

    until(|| matches!(status(&app, "ledger").state, SubscriptionState::Failing(_))).await;
    let limit = Duration::from_millis(20);
    let stuck = app.wait_for_handlers(done.receipt.token().unwrap(), limit).await.unwrap_err();
    assert!(stuck.to_string().contains("`ledger`"), "{stuck}");
    assert_eq!(status(&app, "ledger").parked, 0);
    assert_eq!(status(&app, "second-method").parked, 0, "it skips what fails");

    desk.heal();
    app.wait_for_handlers(later.receipt.token().unwrap(), GUARD).await.unwrap();
    assert_eq!(desk.of("ledger"), ["a other", "a +5", "a +6"], "nothing was left out or doubled");
}

#[tokio::test]
async fn a_returned_command_takes_effect_once_however_often_the_event_comes() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    deposit(&app, "a", 1_000).await;
    let balance = || async { app.load::<Account>(&"a".into()).await.unwrap().state().cents };
    assert_eq!(balance().await, 1_001);

    assert!(app.reset_handler("bonuses", Start::Beginning).await.unwrap());
    assert!(app.reset_handler("ledger", Start::Beginning).await.unwrap());
    until(|| desk.of("ledger").len() == 6).await;
    deposit(&app, "a", 2).await;

    assert_eq!(balance().await, 1_003, "the bonus came once");
    assert_eq!(desk.of("ledger")[3..6], desk.of("ledger")[..3], "the same events came again");
    assert!(!app.reset_handler("nobody", Start::Now).await.unwrap());
}

#[tokio::test]
async fn streams_go_side_by_side_and_each_keeps_its_order() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    for account in 0..10 {
        open(&app, &format!("a{account}")).await;
    }
    for cents in 1..=20 {
        for account in 0..10 {
            let deposit = Deposit { account: format!("a{account}").into(), cents };
            app.execute(deposit).await.unwrap();
        }
    }
    app.shutdown_within(Duration::ZERO).await;
    let app = self::app(app.store().clone(), &desk);
    deposit(&app, "a0", 21).await;

    let mut streams: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in desk.of("parallel") {
        let (stream, cents) = line.split_once(" +").unwrap_or((&line, "0"));
        if cents != "0" {
            let seen = streams.entry(stream.to_owned()).or_default();
            let cents = cents.parse().unwrap();
            if seen.last() != Some(&cents) {
                seen.push(cents);
            }
        }
    }
    for (stream, mut seen) in streams {
        let last = if stream == "a0" { 21 } else { 20 };
        // What was under way when the process stopped may have come again.
        seen.dedup();
        let firsts: Vec<i64> = (1..=last).collect();
        let mut order = seen.clone();
        order.sort_unstable();
        order.dedup();
        assert_eq!(order, firsts, "{stream}: {seen:?}");
    }
    assert_eq!(
        app.subscriptions().iter().filter(|one| one.name.starts_with("parallel/")).count(),
        3
    );
}

#[tokio::test]
async fn a_paused_handler_stands_still_and_goes_on() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    deposit(&app, "a", 1).await;
    assert!(app.pause_handler("ledger"));
    until(|| status(&app, "ledger").state == SubscriptionState::Paused).await;
    let done = app.execute(Deposit { account: "a".into(), cents: 2 }).await.unwrap();
    let limit = Duration::from_millis(300);
    app.wait_for_handlers(done.receipt.token().unwrap(), limit).await.unwrap_err();
    assert_eq!(desk.of("ledger"), ["a other", "a +1"]);

    assert!(app.resume_handler("ledger"));
    app.wait_for_handlers(done.receipt.token().unwrap(), GUARD).await.unwrap();

    assert_eq!(desk.of("ledger"), ["a other", "a +1", "a +2"]);
    assert!(!app.pause_handler("nobody"));
}

#[tokio::test]
async fn middleware_stands_around_event_handlers_too() {
    struct Counts(Arc<Mutex<Vec<String>>>);
    impl Middleware for Counts {
        async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
            let event = call.message::<cqrs_core::store::RecordedEvent>().expect("an event");
            let line = format!("{} {}", call.name(), event.event_type());
            self.0.lock().unwrap().push(line);
            next.run().await
        }
    }
    let (desk, lines) = (Arc::new(Desk::default()), Arc::new(Mutex::new(Vec::new())));
    let counts = Counts(Arc::clone(&lines));
    let app = built(MemoryStore::new(), &desk, |builder| {
        builder.middleware(Scope::Named("ledger"), counts)
    });
    open(&app, "a").await;
    deposit(&app, "a", 1).await;

    assert_eq!(*lines.lock().unwrap(), ["ledger account.opened", "ledger account.deposited"]);
    let metrics = app.metrics();
    let of = |event_type| {
        let found = metrics
            .iter()
            .find(|one| one.target.name == "ledger" && one.event_type == Some(event_type));
        found.map(|one| one.executions)
    };
    assert_eq!(of("account.deposited"), Some(1));
}

#[tokio::test]
async fn a_handler_outlives_the_call_that_caused_its_event() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    {
        let mut call =
            std::pin::pin!(app.execute(Deposit { account: "a".into(), cents: 3 }).into_future());
        // Polled once and dropped: handed to the store.
        std::future::poll_fn(|cx| {
            let _: std::task::Poll<_> = call.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }
    until(|| desk.of("ledger").len() == 2).await;

    assert_eq!(desk.of("ledger"), ["a other", "a +3"]);
}

#[tokio::test]
async fn those_behind_a_failing_event_are_parked_also_when_they_come_with_it() {
    let (desk, store) = (Arc::new(Desk::default()), MemoryStore::new());
    let before = built(store.clone(), &desk, Builder::without_event_handlers);
    open(&before, "a").await;
    for cents in [7, 8, 9] {
        before.execute(Deposit { account: "a".into(), cents }).await.unwrap();
    }
    desk.fail_at("ledger", 7);

    let after = app(store, &desk);
    deposit(&after, "a", 10).await;

    assert_eq!(desk.of("ledger"), ["a other"]);
    assert_eq!(status(&after, "ledger").parked, 4);
}

#[tokio::test]
async fn what_has_begun_may_send_commands_on_while_the_application_closes() {
    let desk = Arc::new(Desk::default());
    let app = app(MemoryStore::new(), &desk);
    open(&app, "a").await;
    let slow = app.clone();
    let call = tokio::spawn(async move {
        let transfer = listeners::Later { account: "a".into() };
        slow.execute(transfer).await
    });
    until(|| desk.of("later") == ["begun"]).await;

    let closing = app.clone();
    let closed = tokio::spawn(async move { closing.shutdown().await });
    until(|| !app.is_ready()).await;
    let refused = app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "shutting_down");
    desk.panics.store(true, Ordering::SeqCst);

    call.await.unwrap().expect("it was under way, and what it leads to is let in");
    assert!(closed.await.unwrap().is_orderly());
}
