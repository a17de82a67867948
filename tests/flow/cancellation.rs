//! Every call may be dropped at every await, and leaves nothing behind.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use cqrs_core::bus::{Call, Middleware, Next, Outcome, Scope};
use cqrs_core::policy::{
    AuditRecord, AuditSink, Authenticate, Authorize, Denied, Guard, NotAuthenticated,
    PolicySettings, Principal, RateSettings,
};
use cqrs_core::prelude::*;
use cqrs_core::resilience::BreakerState;
use cqrs_core::store::Position;
use support::bank::{AccountId, Deposit};

use crate::stores::{GUARD, open};

mod slow {
    //! Handlers that give way at several points.

    use super::*;

    cqrs_core::module!();

    #[derive(Default)]
    pub struct Inside(pub AtomicU32);

    pub struct Stay(Dep<Inside>);

    impl Stay {
        pub fn new(inside: Dep<Inside>) -> Self {
            inside.0.fetch_add(1, Ordering::SeqCst);
            Self(inside)
        }
    }

    impl Drop for Stay {
        fn drop(&mut self) {
            self.0.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[derive(Command)]
    #[command(policy = "slowly", audit, breaker = "slow", concurrency = 1, timeout = "20s")]
    pub struct Work {
        pub account: AccountId,
    }

    #[derive(Query)]
    #[query(output = u32, cache = "10m", concurrency = 1)]
    pub struct Look {
        pub n: u32,
    }

    #[command_handler]
    pub async fn work(
        command: &Work,
        inside: Dep<Inside>,
        accounts: Repository<support::bank::Account>,
    ) -> Result<(), CommandError<support::bank::AccountError>> {
        let _stay = Stay::new(inside);
        yield_now().await;
        let root = accounts.load(&command.account).await?;
        yield_now().await;
        assert!(root.state().open);
        Ok(())
    }

    #[query_handler]
    pub async fn look(query: &Look, inside: Dep<Inside>) -> Result<u32, QueryError> {
        let _stay = Stay::new(inside);
        yield_now().await;
        yield_now().await;
        Ok(query.n)
    }

    #[event_handler]
    pub async fn seen(_event: &support::bank::AccountEvent) -> Result<(), HandlerError> {
        yield_now().await;
        Ok(())
    }
}

use slow::{Inside, Look, Work};

/// Gives way once.
async fn yield_now() {
    tokio::task::yield_now().await;
}

/// Every hook gives way, so that each await of a call is one at which it can
/// be dropped.
struct Slowly;

impl Authenticate for Slowly {
    async fn authenticate(&self, _: &Context) -> Result<Option<Principal>, NotAuthenticated> {
        yield_now().await;
        Ok(Some(Principal::new("ann")))
    }
}

impl Authorize for Slowly {
    async fn authorize(&self, _: &Call<'_>, _: &Principal) -> Result<(), Denied> {
        yield_now().await;
        Ok(())
    }
}

impl Guard<Work> for Slowly {
    async fn check(&self, _: &Work, _: &Context) -> Result<(), BusError> {
        yield_now().await;
        Ok(())
    }
}

impl AuditSink for Slowly {
    async fn record(&self, _: AuditRecord) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        yield_now().await;
        Ok(())
    }
}

impl Middleware for Slowly {
    async fn call(&self, _: &Call<'_>, mut next: Next<'_>) -> Outcome {
        yield_now().await;
        let outcome = next.run().await;
        yield_now().await;
        outcome
    }
}

fn app(inside: &Arc<Inside>) -> App {
    let most = NonZeroU32::MAX;
    let rate = RateSettings::new(most, Duration::from_secs(1));
    App::builder()
        .modules(cqrs_core::modules![slow, support::bank])
        .store(MemoryStore::new())
        .provide(Arc::clone(inside))
        .authenticate(Slowly)
        .access_policy("slowly", Slowly)
        .guard::<Work>(Slowly)
        .audit_or_refuse(Slowly)
        .middleware(Scope::All, Slowly)
        .commands(PolicySettings::new().rate_limit(rate).retries(2))
        .build()
        .expect("it is complete")
}

/// Polls a future so often, then drops it. Whether it had ended before.
async fn cut<T>(after: u32, future: impl IntoFuture<Output = T>) -> bool {
    let mut future = pin!(future.into_future());
    for _ in 0..after {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if polled.is_ready() {
            return true;
        }
        yield_now().await;
    }
    false
}

/// Cuts a call at every await, a thousand times and more; at least one of them
/// ran to its end, so that every await was reached.
async fn cut_everywhere<T, F: IntoFuture<Output = T>>(mut call: impl FnMut() -> F) {
    let mut ended = 0;
    for round in 0..40 {
        for after in 0..32 {
            ended += u32::from(cut(after + round % 2, call()).await);
        }
    }
    assert!(ended > 40, "{ended} calls have ended");
}

async fn nothing_is_left(app: &App, inside: &Inside) {
    assert_eq!(inside.0.load(Ordering::SeqCst), 0, "no handler is inside");
    app.execute(Work { account: "a".into() }).await.expect("there is a turn for the next call");
    app.query(Look { n: 1_000_000 }).await.expect("there is a turn for the next query");
    assert_eq!(app.breakers().get("slow").state(Duration::ZERO), BreakerState::Closed);
    let left = app.shutdown_within(GUARD).await;
    assert!(left.is_orderly(), "{left:?}");
}

#[tokio::test]
async fn a_command_behind_every_policy_may_be_dropped_at_every_await() {
    let inside = Arc::new(Inside::default());
    let app = app(&inside);
    open(&app, "a").await;

    cut_everywhere(|| app.execute(Work { account: "a".into() })).await;
    cut_everywhere(|| app.execute(Deposit { account: "a".into(), cents: 1 }).shown_within(GUARD))
        .await;

    nothing_is_left(&app, &inside).await;
}

#[tokio::test]
async fn a_query_whose_answers_are_kept_may_be_dropped_while_others_wait_for_it() {
    let inside = Arc::new(Inside::default());
    let app = app(&inside);
    open(&app, "a").await;
    let mut n = 0;
    cut_everywhere(|| {
        n += 1;
        app.query(Look { n: n / 3 })
    })
    .await;
    for after in 0..30 {
        let n = 10_000 + after;
        let others = app.clone();
        let other = tokio::spawn(async move { others.query(Look { n }).await });
        cut(after, app.query(Look { n })).await;
        assert_eq!(other.await.unwrap().expect("whoever waits runs it"), n);
    }

    nothing_is_left(&app, &inside).await;
}

#[tokio::test]
async fn waiting_and_tending_may_be_dropped_at_every_await() {
    let inside = Arc::new(Inside::default());
    let app = app(&inside);
    open(&app, "a").await;
    let done = app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap();
    let token = done.receipt.token().unwrap().clone();
    app.wait_for_handlers(&token, GUARD).await.unwrap();
    let letters = app.dead_letters();

    cut_everywhere(|| app.wait_for(&token, GUARD)).await;
    cut_everywhere(|| app.wait_for_handlers(&token, GUARD)).await;
    cut_everywhere(|| app.catch_up(GUARD)).await;
    cut_everywhere(|| app.settle()).await;
    cut_everywhere(|| letters.list("seen", Position::NONE, 10)).await;
    cut_everywhere(|| letters.retry("seen", Position::new(1))).await;
    cut_everywhere(|| letters.discard("seen", Position::new(1))).await;
    cut_everywhere(|| app.load::<support::bank::Account>(Box::leak(Box::new("a".into())))).await;
    cut_everywhere(|| app.reset_handler("nobody", cqrs_core::subscription::Start::Now)).await;
    cut_everywhere(|| app.execute_json("Deposit", br#"{"account":"a","cents":1}"#, Origin::new()))
        .await;
    cut_everywhere(|| app.query_json("Look", br#"{"n":1}"#, Origin::new())).await;

    nothing_is_left(&app, &inside).await;
    cut(3, app.shutdown()).await;
}

#[tokio::test]
async fn a_handler_that_sends_its_own_command_on_does_not_wait_for_its_own_turn() {
    let inside = Arc::new(Inside::default());
    let mut config = cqrs_core::config::Config::default();
    config.command_bus.concurrency = cqrs_core::config::Limit::Of(1);
    let app = App::builder()
        .modules(cqrs_core::modules![nested])
        .store(MemoryStore::new())
        .config(config)
        .build()
        .expect("it is complete");

    let call = app.execute(nested::Nest { left: 10 }).into_future();
    let value = tokio::time::timeout(GUARD, call).await.expect("no deadlock").expect("it is done");
    assert_eq!(value.value, 11);
    let call = app.execute(nested::Nest { left: 100 }).into_future();
    let error = tokio::time::timeout(GUARD, call).await.expect("no deadlock").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Nest` is number 16 in a chain of messages that lead to one another"
    );

    assert_eq!(inside.0.load(Ordering::SeqCst), 0);
    assert!(app.shutdown_within(GUARD).await.is_orderly());
}

mod nested {
    //! A handler that sends its own command on.

    use cqrs_core::prelude::*;

    cqrs_core::module!();

    #[derive(Command)]
    #[command(concurrency = 1)]
    pub struct Nest {
        pub left: u32,
    }

    #[derive(Debug, Rejection)]
    pub enum Never {}

    #[command_handler]
    pub async fn nest(command: &Nest, bus: Bus) -> Result<u32, CommandError<Never>> {
        if command.left == 0 {
            return Ok(1);
        }
        let below = bus.execute(Nest { left: command.left - 1 }).await?;
        Ok(below.value + 1)
    }
}
