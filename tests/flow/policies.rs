//! What stands around handlers: middleware in its order, and each policy.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::bus::{Call, Failure, Middleware, Next, Outcome, Scope};
use cqrs_core::command::Violations;
use cqrs_core::policy::{
    Access, AuditRecord, AuditSink, Authenticate, Authorize, Denied, Guard, NotAuthenticated,
    PolicySettings, Principal, RateSettings, Verdict,
};
use cqrs_core::prelude::*;
use cqrs_testkit::ManualClock;

pub mod desk {
    //! Handlers that do what a test asks of them.

    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    pub struct Work {
        #[check(min = 1)]
        pub millis: u64,
    }

    /// Fails the first times.
    #[derive(Command)]
    #[command(retry = "3", breaker = "press")]
    pub struct Press {
        pub failures: u32,
    }

    #[derive(Command)]
    #[command(role = "clerk | boss", audit)]
    pub struct Sign {
        pub paper: String,
    }

    #[derive(Command)]
    #[command(policy = "owner")]
    pub struct Shred {
        pub paper: String,
    }

    #[derive(Query)]
    #[query(output = u32, public)]
    pub struct Count {}

    #[derive(Debug, Rejection)]
    pub enum No {
        /// Not today.
        NotToday,
    }

    #[derive(Default)]
    pub struct Desk {
        pub runs: AtomicU32,
        pub overlap: Mutex<(u32, u32)>,
    }

    #[command_handler(timeout = "1s", concurrency = 2)]
    pub async fn work(command: &Work, desk: Dep<Desk>, clock: Dep<ManualClock>) -> Result<u32, No> {
        desk.runs.fetch_add(1, Ordering::SeqCst);
        {
            let mut overlap = desk.overlap.lock().unwrap();
            overlap.0 += 1;
            overlap.1 = overlap.1.max(overlap.0);
        }
        struct Leaves(Dep<Desk>);
        impl Drop for Leaves {
            fn drop(&mut self) {
                self.0.overlap.lock().unwrap().0 -= 1;
            }
        }
        let _leaves = Leaves(desk.clone());
        if command.millis == 13 {
            return Err(No::NotToday);
        }
        cqrs_core::runtime::Clock::sleep(&*clock, Duration::from_millis(command.millis)).await;
        Ok(desk.runs.load(Ordering::SeqCst))
    }

    #[command_handler]
    pub async fn press(command: &Press, desk: Dep<Desk>) -> Result<u32, CommandError<No>> {
        let run = desk.runs.fetch_add(1, Ordering::SeqCst);
        if run < command.failures {
            return Err(BusError::unavailable("press", "it is jammed").into());
        }
        Ok(run)
    }

    /// Waits for nothing, and borrows what it needs.
    #[derive(Command)]
    pub struct Ring {}

    #[command_handler]
    pub fn ring(_command: &Ring, desk: &Dep<Desk>) -> Result<u32, No> {
        Ok(desk.runs.fetch_add(1, Ordering::SeqCst))
    }

    #[command_handler]
    pub async fn sign(_command: &Sign, desk: Dep<Desk>) -> Result<(), No> {
        desk.runs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    #[command_handler]
    pub async fn shred(_command: &Shred, desk: Dep<Desk>) -> Result<(), No> {
        desk.runs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    #[query_handler]
    pub async fn count(_query: &Count, desk: Dep<Desk>) -> Result<u32, QueryError> {
        Ok(desk.runs.load(Ordering::SeqCst))
    }
}

use desk::{Count, Desk, Press, Shred, Sign, Work};

pub struct Owners;

impl Authorize for Owners {
    async fn authorize(&self, call: &Call<'_>, principal: &Principal) -> Result<(), Denied> {
        let shred = call.message::<Shred>().expect("it guards this command");
        if principal.actor().as_str() == shred.paper {
            Ok(())
        } else {
            Err(Denied::new("its owner"))
        }
    }
}

#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Vec<AuditRecord>>>, Arc<std::sync::atomic::AtomicBool>);

impl AuditSink for Book {
    async fn record(
        &self,
        record: AuditRecord,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.1.load(Ordering::SeqCst) {
            return Err("the book is closed".into());
        }
        self.0.lock().unwrap().push(record);
        Ok(())
    }
}

impl Book {
    /// Writes nothing more.
    pub fn close(&self) {
        self.1.store(true, Ordering::SeqCst);
    }

    fn lines(&self) -> Vec<(Option<String>, Verdict)> {
        let lines = self.0.lock().unwrap();
        let actor = |line: &AuditRecord| line.actor.as_ref().map(|actor| actor.as_str().to_owned());
        lines.iter().map(|line| (actor(line), line.verdict.clone())).collect()
    }
}

pub type Builder = cqrs_core::app::AppBuilder<cqrs_core::store::Store>;

pub struct Rig {
    pub app: App,
    pub clock: ManualClock,
    pub desk: Arc<Desk>,
    pub book: Book,
}

pub fn rig(more: impl FnOnce(Builder) -> Builder) -> Rig {
    let (clock, desk, book) = (ManualClock::new(), Arc::new(Desk::default()), Book::default());
    let builder = App::builder()
        .modules(cqrs_core::modules![desk])
        .store(MemoryStore::new())
        .clock(clock.clone())
        .random(cqrs_core::runtime::SystemRandom::seeded(7))
        .provide(Arc::clone(&desk))
        .provide(Arc::new(clock.clone()))
        .access_policy("owner", Owners)
        .audit(book.clone());
    let app = more(builder).build().expect("the desk is complete");
    Rig { app, clock, desk, book }
}

fn once(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

/// Notes when it is passed, on the way in and out.
struct Mark(&'static str, Arc<Mutex<Vec<String>>>);

impl Middleware for Mark {
    async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
        let note = |word: &str| {
            let line = format!("{word} {} {}", self.0, call.name());
            self.1.lock().unwrap().push(line);
        };
        note("into");
        let outcome = next.run().await;
        note(if outcome.is_ok() { "out of" } else { "back from" });
        outcome
    }
}

#[tokio::test]
async fn middleware_runs_in_the_order_of_its_declaration_and_only_in_its_scope() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let mark = |name| Mark(name, Arc::clone(&notes));
    let rig = rig(|builder| {
        builder
            .middleware(Scope::All, mark("first"))
            .middleware(Scope::QUERIES, mark("queries"))
            .middleware(Scope::command::<Press>(), mark("press"))
            .middleware(Scope::Module("flow::policies::elsewhere"), mark("elsewhere"))
            .middleware(Scope::Module("flow::policies"), mark("module"))
            .middleware_for_each(|target| {
                (target.name == "Count").then(|| Mark("made", Default::default()))
            })
            .middleware(Scope::COMMANDS, mark("last"))
    });

    rig.app.execute(Press { failures: 0 }).await.unwrap();
    rig.app.query(Count {}).await.unwrap();
    rig.app.execute(Work { millis: 13 }).await.unwrap_err();

    insta::assert_snapshot!(notes.lock().unwrap().join("\n"));
}

#[tokio::test]
async fn a_middleware_may_refuse_answer_or_run_the_rest_again() {
    struct Odd;
    impl Middleware for Odd {
        async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
            match call.message::<Press>().map_or(0, |press| press.failures) {
                1 => Err(Failure::refused("odd", "one is odd")),
                2 => Ok(call.answer(22_u32)?),
                3 => Ok(call.answer("three")?),
                4 => {
                    next.run().await.expect_err("the first tries fail");
                    next.run().await
                }
                _ => next.run().await,
            }
        }
    }
    let rig = rig(|builder| {
        builder.middleware(Scope::All, Odd).handler("Press", PolicySettings::new().no_retries())
    });
    let press = |failures| rig.app.execute(Press { failures });

    let refused = press(1).await.unwrap_err();
    assert_eq!(refused.to_string(), "refused by odd: one is odd");
    assert_eq!(press(2).await.unwrap().value, 22);
    let CommandError::Bus(BusError::Answer { expected, received, .. }) =
        press(3).await.unwrap_err()
    else {
        panic!("a text is no number");
    };
    assert_eq!((expected, received), ("u32", "&str"));
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 0, "no handler has run");
    rig.desk.runs.store(3, Ordering::SeqCst);
    assert_eq!(press(4).await.unwrap().value, 4, "the second run succeeds");
}

#[tokio::test]
async fn an_invalid_command_reaches_no_handler() {
    let rig = rig(|builder| builder);

    let error = rig.app.execute(Work { millis: 0 }).await.unwrap_err();

    assert!(matches!(error, CommandError::Bus(BusError::Validation(_))), "{error}");
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_handler_that_waits_for_nothing_may_borrow_what_it_needs() {
    let rig = rig(|builder| builder);

    let held = Arc::strong_count(&rig.desk);
    for run in 0..3 {
        assert_eq!(rig.app.execute(desk::Ring {}).await.unwrap().value, run);
    }

    assert_eq!(Arc::strong_count(&rig.desk), held);
}

#[tokio::test]
async fn a_guard_checks_behind_the_fields_and_may_wait() {
    struct NoThirteen;
    impl Guard<Work> for NoThirteen {
        async fn check(&self, command: &Work, _: &Context) -> Result<(), BusError> {
            tokio::task::yield_now().await;
            assert!(command.millis > 0, "fields are checked before");
            let mut violations = Violations::new();
            if command.millis == 14 {
                violations.add("millis", "unlucky", "is taken");
            }
            Ok(violations.into_result()?)
        }
    }
    let rig = rig(|builder| builder.guard(NoThirteen));

    let refused = rig.app.execute(Work { millis: 14 }).await.unwrap_err();
    let fields = rig.app.execute(Work { millis: 0 }).await.unwrap_err();

    assert!(refused.to_string().contains("millis: is taken (unlucky)"), "{refused}");
    assert!(fields.to_string().contains("(min)"), "{fields}");
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 0);
    assert!(matches!(
        rig.app.execute(Work { millis: 13 }).await,
        Err(CommandError::Rejected(desk::No::NotToday))
    ));
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_time_is_up() {
    /// Looks whether a handler is still there once the call has failed.
    struct Looks(Arc<Mutex<Option<u32>>>, Arc<std::sync::OnceLock<Arc<Desk>>>);
    impl Middleware for Looks {
        async fn call(&self, _: &Call<'_>, mut next: Next<'_>) -> Outcome {
            let outcome = next.run().await;
            let desk = self.1.get().expect("it was told");
            *self.0.lock().unwrap() = Some(desk.overlap.lock().unwrap().0);
            outcome
        }
    }
    let (left, told) = (Arc::new(Mutex::new(None)), Arc::new(std::sync::OnceLock::new()));
    let looks = Looks(Arc::clone(&left), Arc::clone(&told));
    let rig = rig(|builder| builder.middleware(Scope::All, looks));
    let _ = told.set(Arc::clone(&rig.desk));
    let app = rig.app.clone();
    let call = tokio::spawn(async move { app.execute(Work { millis: 60_000 }).await });
    while rig.desk.overlap.lock().unwrap().0 == 0 {
        tokio::task::yield_now().await;
    }

    rig.clock.advance(Duration::from_millis(999));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished(), "its time is not up");
    rig.clock.advance(Duration::from_millis(1));
    let error = call.await.unwrap().unwrap_err();

    let CommandError::Bus(BusError::Timeout { limit, elapsed }) = error else { panic!("{error}") };
    assert_eq!((limit, elapsed), (Duration::from_secs(1), Duration::from_secs(1)));
    assert_eq!(*left.lock().unwrap(), Some(0), "the handler is gone before anybody hears of it");
}

#[tokio::test]
async fn so_many_calls_run_at_once_and_more_wait_their_turn() {
    let rig = rig(|builder| builder);
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let app = rig.app.clone();
            tokio::spawn(async move { app.execute(Work { millis: 100 }).await })
        })
        .collect();

    for _ in 0..4 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        rig.clock.advance(Duration::from_millis(100));
    }
    for call in calls {
        call.await.unwrap().expect("it had its turn");
    }

    assert_eq!(rig.desk.overlap.lock().unwrap().1, 2);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    let clockwork = rig(|builder| builder);
    let app = clockwork.app.clone();
    let call = tokio::spawn(async move { app.execute(Press { failures: 2 }).await });
    for _ in 0..20 {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        clockwork.clock.advance(Duration::from_secs(1));
    }

    assert_eq!(call.await.unwrap().unwrap().value, 2, "the third try succeeds");
    let rejected = rig(|builder| builder.handler("Work", PolicySettings::new().retries(5)));
    rejected.app.execute(Work { millis: 13 }).await.unwrap_err();
    assert_eq!(rejected.desk.runs.load(Ordering::SeqCst), 1, "a rejection stays one");
}

#[tokio::test]
async fn a_breaker_leaves_a_failing_dependency_alone_and_tries_it_later() {
    let rig = rig(|builder| builder.handler("Press", PolicySettings::new().no_retries()));
    let press = || rig.app.execute(Press { failures: 10 });
    for _ in 0..10 {
        press().await.unwrap_err();
    }

    let open = press().await.unwrap_err();
    assert_eq!(open.code().as_str(), "circuit_open", "{open}");
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 10, "the dependency was left alone");

    rig.clock.advance(Duration::from_secs(30));
    press().await.expect("the probe succeeds");
    press().await.expect("the breaker is closed again");
    rig.app.breakers().get("press").force_open();
    assert_eq!(press().await.unwrap_err().code().as_str(), "circuit_open");
}

#[tokio::test]
async fn a_call_that_was_given_up_counts_against_its_dependency() {
    let slow = PolicySettings::new().breaker("slow").timeout(Duration::from_millis(10));
    let rig = rig(|builder| builder.handler("Work", slow));
    for _ in 0..10 {
        let app = rig.app.clone();
        let call = tokio::spawn(async move { app.execute(Work { millis: 60_000 }).await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        rig.clock.advance(Duration::from_millis(10));
        assert_eq!(call.await.unwrap().unwrap_err().code().as_str(), "timeout");
    }

    let open = rig.app.execute(Work { millis: 1 }).await.unwrap_err();

    assert_eq!(open.code().as_str(), "circuit_open");
}

#[tokio::test]
async fn each_caller_has_a_rate_of_its_own() {
    let rate = RateSettings::new(once(2), Duration::from_secs(1));
    let rig = rig(|builder| builder.handler("Count", PolicySettings::new().rate_limit(rate)));
    let ask = |actor: &'static str| rig.app.query(Count {}).actor(actor);

    for actor in ["ann", "ben"] {
        ask(actor).await.unwrap();
        ask(actor).await.unwrap();
        let limited = ask(actor).await.unwrap_err();
        let QueryError::Bus(error) = &limited else { panic!("{limited}") };
        assert_eq!(error.retry_after(), Some(Duration::from_millis(500)));
    }
    rig.clock.advance(Duration::from_millis(500));
    ask("ann").await.expect("there is room for one more");
}

#[tokio::test]
async fn nobody_and_the_wrong_one_are_different_errors() {
    let rig = rig(|builder| builder);
    let sign = || rig.app.execute(Sign { paper: "p".into() });
    let by = |principal| Origin::new().principal(principal);

    let nobody = sign().await.unwrap_err();
    let wrong = sign().from(by(Principal::new("eve").role("guest"))).await.unwrap_err();
    sign().from(by(Principal::new("carl").role("clerk"))).await.expect("a clerk may sign");

    assert_eq!(nobody.to_string(), "the caller is not known: nobody is known in this context");
    assert_eq!(wrong.to_string(), "the caller may not do this: role `clerk` or `boss` is needed");
    let denied = |code| Verdict::Denied { code };
    assert_eq!(
        rig.book.lines(),
        [
            (None, denied("unauthenticated")),
            (Some("eve".to_owned()), denied("forbidden")),
            (Some("carl".to_owned()), Verdict::Done),
        ]
    );
}

#[tokio::test]
async fn an_access_policy_looks_at_the_message() {
    let rig = rig(|builder| builder);
    let shred = |paper: &str| {
        let origin = Origin::new().principal(Principal::new("ann"));
        rig.app.execute(Shred { paper: paper.into() }).from(origin)
    };

    shred("ann").await.expect("it is hers");
    let denied = shred("ben").await.unwrap_err();

    assert_eq!(denied.to_string(), "the caller may not do this: its owner is needed");
}

#[tokio::test]
async fn a_hook_establishes_who_calls_and_handlers_see_it() {
    struct Token(&'static str);
    struct Tokens;
    impl Authenticate for Tokens {
        async fn authenticate(&self, ctx: &Context) -> Result<Option<Principal>, NotAuthenticated> {
            match ctx.extension::<Token>() {
                None => Ok(None),
                Some(Token("boss")) => Ok(Some(Principal::new("bo").role("boss").tenant("acme"))),
                Some(_) => Err(NotAuthenticated::new("the token is not known")),
            }
        }
    }
    let rig = rig(|builder| builder.authenticate(Tokens));
    let sign = || rig.app.execute(Sign { paper: "p".into() });

    let forged = sign().from(Origin::new().extension(Token("forged"))).await.unwrap_err();
    let elsewhere = sign().from(Origin::new().extension(Token("boss"))).await.unwrap_err();
    let acme = Origin::new().extension(Token("boss")).tenant("acme");
    sign().from(acme).await.expect("a boss may sign");
    let open = rig.app.query(Count {}).await;

    assert_eq!(forged.to_string(), "the caller is not known: the token is not known");
    assert_eq!(
        elsewhere.to_string(),
        "the caller may not do this: the tenant of the call is needed"
    );
    assert_eq!(open.unwrap(), 1, "what is public needs nobody");
    assert_eq!(rig.book.lines().last().unwrap().0.as_deref(), Some("bo"));
}

#[tokio::test]
async fn where_access_is_denied_by_default_a_handler_without_a_rule_lets_nobody_in() {
    let rig = rig(Builder::deny_by_default);
    let origin = || Origin::new().principal(Principal::new("ann").role("clerk"));

    let denied = rig.app.execute(Press { failures: 0 }).from(origin()).await.unwrap_err();
    rig.app.execute(Sign { paper: "p".into() }).from(origin()).await.expect("it has a rule");
    rig.app.query(Count {}).await.expect("it is public");

    assert_eq!(denied.code().as_str(), "forbidden");
}

#[tokio::test]
async fn where_the_audit_is_closed_on_failure_nothing_runs_that_it_cannot_take_down() {
    let book = Book::default();
    let sink = book.clone();
    let rig = rig(|builder| builder.audit_or_refuse(sink));
    let clerk = || Origin::new().principal(Principal::new("carl").role("clerk"));
    let sign = || rig.app.execute(Sign { paper: "p".into() }).from(clerk());

    sign().await.expect("the book is open");
    book.1.store(true, Ordering::SeqCst);
    let refused = sign().await.unwrap_err();

    assert_eq!(refused.to_string(), "the audit cannot be written: the book is closed");
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 1);
    let carl = Some("carl".to_owned());
    assert_eq!(book.lines(), [(carl.clone(), Verdict::Admitted), (carl, Verdict::Done)]);
}

#[tokio::test]
async fn what_a_policy_needs_and_nobody_gives_keeps_the_application_from_being_built() {
    let problems = App::builder()
        .modules(cqrs_core::modules![desk])
        .store(MemoryStore::new())
        .provide(Arc::new(Desk::default()))
        .provide(Arc::new(ManualClock::new()))
        .handler("Pres", PolicySettings::new().access(Access::Roles(Cow::Borrowed(&[]))))
        .build()
        .unwrap_err()
        .to_string();

    let line = |part: &str| assert!(problems.contains(part), "{part} in {problems}");
    line("needs the access policy `owner`: give it by `.access_policy(\"owner\", ..)`");
    line("needs an audit: give one by `.audit(..)`");
    line("something is said about `Pres`, which nothing handles; did you mean `Press`?");
}

#[tokio::test]
async fn figures_are_kept_of_each_handler_and_no_clock_is_read_without_them() {
    let counted = rig(|builder| builder);
    counted.app.execute(Press { failures: 0 }).await.unwrap();
    counted.app.execute(Work { millis: 13 }).await.unwrap_err();
    counted.app.execute(Work { millis: 0 }).await.unwrap_err();

    let of = |rig: &Rig, name| {
        let all = rig.app.metrics();
        all.into_iter().find(|one| one.target.name == name)
    };
    let (press, work) = (of(&counted, "Press").unwrap(), of(&counted, "Work").unwrap());
    assert_eq!((press.executions, press.rejected, press.failures), (1, 0, 0));
    assert_eq!((work.executions, work.rejected, work.failures), (2, 1, 1));

    let silent = rig(Builder::without_metrics);
    silent.app.execute(Press { failures: 0 }).await.unwrap();
    assert!(of(&silent, "Press").is_none());
}
