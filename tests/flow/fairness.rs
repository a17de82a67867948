//! Whoever gives way lets others run: a handler that does, and whatever
//! follows a long log, also where nothing ever waits.

use std::fmt::Debug;
use std::future::{IntoFuture, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use cqrs_core::app::AppBuilder;
use cqrs_core::cache::Evict;
use cqrs_core::event_bus::{EventBus, Handler, Interest, Subscriber, SyncBus};
use cqrs_core::policy::{PolicySettings, RateSettings};
use cqrs_core::prelude::*;
use cqrs_core::projection::ProjectionState;
use cqrs_core::store::Store;
use cqrs_core::subscription::SubscriptionState;
use support::bank::{AccountEvent, DepositAll};

use crate::stores::{GUARD, app, builder, open};

mod polite {
    //! Handlers that count.

    use super::*;

    cqrs_core::module!();

    #[derive(Default)]
    pub struct Desk {
        pub polls: AtomicU64,
        pub events: AtomicU64,
    }

    pub const ROUNDS: u64 = 3;

    /// Waits in three rounds of its task.
    #[derive(Command)]
    pub struct GiveWay {
        pub n: u32,
    }

    #[derive(Query)]
    #[query(output = u32, cache = "10m")]
    pub struct Asked {
        pub n: u32,
    }

    #[derive(Debug, Rejection)]
    pub enum Never {}

    async fn rounds(desk: &Desk) {
        poll_fn(|_| match desk.polls.fetch_add(1, Ordering::SeqCst) {
            ROUNDS => Poll::Ready(()),
            _ => Poll::Pending,
        })
        .await;
    }

    #[command_handler]
    async fn give_way(command: &GiveWay, desk: &Dep<Desk>) -> Result<u32, Never> {
        rounds(desk).await;
        Ok(command.n)
    }

    #[query_handler]
    async fn asked(query: &Asked, desk: &Dep<Desk>) -> Result<u32, QueryError> {
        rounds(desk).await;
        Ok(query.n)
    }

    #[event_handler]
    pub async fn counts(_: &AccountEvent, desk: Dep<Desk>) -> Result<(), Never> {
        desk.events.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

use polite::{Asked, Desk, GiveWay, ROUNDS};

/// With nothing around its handlers, with what is there by itself, and with
/// all that can stand there.
fn stacks() -> [(App, Arc<Desk>); 3] {
    let most = NonZeroU32::MAX;
    let bare = PolicySettings::new().no_timeout().no_retries();
    let all = PolicySettings::new()
        .rate_limit(RateSettings::new(most, Duration::from_secs(1)))
        .timeout(Duration::from_secs(1))
        .concurrency(most)
        .breaker("desk")
        .retries(3);
    [bare, PolicySettings::new(), all].map(|settings| {
        let desk = Arc::new(Desk::default());
        let builder = App::builder().modules(modules![polite]).store(MemoryStore::new());
        let builder = builder.commands(settings.clone()).queries(settings);
        let app = builder.provide(Arc::clone(&desk)).without_event_handlers().build();
        (app.expect("it is complete"), desk)
    })
}

/// Polls a call round by round, and its handler with it.
async fn once_in_a_round<T, E: Debug>(
    what: &str,
    desk: &Desk,
    call: impl Future<Output = Result<T, E>>,
) {
    let mut call = pin!(call);
    for round in 1..=ROUNDS {
        let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
        assert!(polled.is_pending(), "{what} waits in round {round}");
        assert_eq!(desk.polls.load(Ordering::SeqCst), round, "{what}");
    }
    call.await.expect("it answers");
    assert_eq!(desk.polls.swap(0, Ordering::SeqCst), ROUNDS + 1, "{what}");
}

#[tokio::test]
async fn what_waits_is_polled_once_in_a_round() {
    let limit = Duration::from_secs(5);
    for (n, (app, desk)) in stacks().into_iter().enumerate() {
        let of = |what| format!("stack {n}, {what}");
        let command = || app.execute(GiveWay { n: 1 });
        once_in_a_round(&of("a command"), &desk, command().into_future()).await;
        let bounded = command().timeout(limit).into_future();
        once_in_a_round(&of("a bounded command"), &desk, bounded).await;
        let named = app.execute_json("GiveWay", br#"{"n":1}"#, Origin::new());
        once_in_a_round(&of("a command by name"), &desk, named).await;
        let query = app.query(Asked { n: 1 }).into_future();
        once_in_a_round(&of("a query"), &desk, query).await;
        let bounded = app.query(Asked { n: 2 }).timeout(limit).into_future();
        once_in_a_round(&of("a bounded query"), &desk, bounded).await;
    }
}

const EVENTS: u64 = 20_000;

/// Runs beside others on one thread, and counts how often it comes to that.
async fn turns(ended: impl Future<Output = ()>) -> u64 {
    let (turns, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let (count, stop) = (Arc::clone(&turns), Arc::clone(&over));
    let beside = tokio::spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let ended = tokio::time::timeout(GUARD, ended).await;
    over.store(true, Ordering::SeqCst);
    beside.await.expect("it counts");
    ended.expect("it ends");
    turns.load(Ordering::SeqCst)
}

/// A log in memory, whose reads never wait.
async fn long_log() -> MemoryStore {
    let store = MemoryStore::new();
    let writer = app(store.clone());
    open(&writer, "a").await;
    for _ in 0..EVENTS / 1_000 {
        let amounts = vec![1; 1_000];
        writer.execute(DepositAll { account: "a".into(), amounts }).await.expect("it is stored");
    }
    store
}

#[tokio::test]
async fn an_event_handler_that_catches_up_lets_others_run() {
    let (store, desk) = (long_log().await, Arc::new(Desk::default()));
    let app = builder().modules(modules![polite]).store(store).provide(Arc::clone(&desk));
    let app = app.without_projections().build().expect("it is complete");
    let turns = turns(async {
        while app.subscriptions().iter().any(|one| one.state != SubscriptionState::Live) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let turns = turns.await;
    assert!(desk.events.load(Ordering::SeqCst) > EVENTS);
    assert!(turns > EVENTS / 1_000, "{turns} turns");
}

#[tokio::test]
async fn a_read_model_that_catches_up_lets_others_run() {
    let app = app(long_log().await);
    let turns = turns(async {
        while app.projections().iter().any(|one| one.state != ProjectionState::Live) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let turns = turns.await;
    assert!(turns > EVENTS / 1_000, "{turns} turns");
}

/// How often others come to run while an application follows what another one
/// commits to its log.
async fn turns_beside(follower: App, store: MemoryStore, is_done: impl Fn() -> bool) -> u64 {
    let writer = app(store);
    let mut last = None;
    for n in 0..EVENTS / 1_000 {
        let (account, amounts) = (format!("{n}").as_str().into(), vec![1; 1_000]);
        let done = writer.execute(DepositAll { account, amounts }).await;
        last = done.expect("it is stored").receipt.token().cloned();
    }
    let last = last.expect("it was stored");
    // The writer's own read models stop with it.
    drop(writer);
    let ended = async {
        follower.wait_for(&last, GUARD).await.expect("it comes");
        while !is_done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    turns(ended).await
}

fn follower(store: &MemoryStore) -> AppBuilder<Store> {
    let builder = builder().modules(modules![polite]).store(store.clone());
    let builder = builder.provide(Arc::new(Desk::default()));
    builder.without_event_handlers().without_projections()
}

#[tokio::test]
async fn a_bus_that_follows_the_log_lets_others_run() {
    let (store, bus) = (MemoryStore::new(), SyncBus::builder().build());
    let seen = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&seen);
    let handler = Handler::of(move |_: &AccountEvent, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    bus.subscribe(Subscriber::new("desk", Interest::of::<AccountEvent>(), handler));
    let follower = follower(&store).event_bus(bus).build().expect("it is complete");

    let turns = turns_beside(follower, store, || seen.load(Ordering::SeqCst) == EVENTS).await;

    assert!(turns > EVENTS / 1_000, "{turns} turns");
}

#[tokio::test]
async fn what_voids_kept_answers_lets_others_run() {
    let store = MemoryStore::new();
    let follower = follower(&store).evict("account.deposited", Evict::query("Asked"));
    let follower = follower.build().expect("it is complete");

    let turns = turns_beside(follower, store, || true).await;

    assert!(turns > EVENTS / 1_000, "{turns} turns");
}
