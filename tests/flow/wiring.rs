//! How an application is put together, and every mistake in it.

use std::sync::Arc;

use cqrs_core::app::AppBuilder;
use cqrs_core::bus::Origin;
use cqrs_core::prelude::*;
use cqrs_core::registry::{BuildError, Problem};
use cqrs_core::store::Store;
use support::bank::*;

use crate::stores::{app, builder, open};

fn problems(result: Result<cqrs_core::registry::Registry, BuildError>) -> Vec<Problem> {
    result.expect_err("the application is incomplete").problems().to_vec()
}

mod shop {
    //! Everything that a handler can ask for.

    use super::*;

    cqrs_core::module!();

    pub trait Mailer: Send + Sync {
        fn send(&self, to: &str) -> String;
    }

    pub struct Prices(pub i64);

    #[derive(Query)]
    #[query(output = String)]
    pub struct Greeting {
        pub name: String,
    }

    #[query_handler]
    pub async fn greeting(
        query: &Greeting,
        mailer: Dep<dyn Mailer>,
        prices: &Dep<Prices>,
        missing: Option<Dep<String>>,
        metadata: &Metadata,
        ctx: Context,
    ) -> Result<String, QueryError> {
        let extension = ctx.extension::<u32>().copied().unwrap_or_default();
        let actor = metadata.actor.as_ref().map_or("nobody", |actor| actor.as_str());
        let (sent, price) = (mailer.send(&query.name), prices.0);
        Ok(format!("{sent} {price} {} {actor} {extension}", missing.is_some()))
    }

    pub struct Desk {
        pub name: &'static str,
    }

    #[derive(Command)]
    pub struct Ring {
        pub times: u32,
    }

    #[derive(Query)]
    #[query(output = usize)]
    pub struct Length {
        pub text: String,
    }

    #[handlers]
    impl Desk {
        #[command_handler]
        async fn ring(&self, cmd: &Ring) -> Result<String, std::fmt::Error> {
            if cmd.times == 0 {
                Err(std::fmt::Error)
            } else {
                Ok(self.name.repeat(cmd.times as usize))
            }
        }

        #[query_handler]
        fn length(&self, query: &Length) -> Result<usize, QueryError> {
            Ok(query.text.len() + self.name.len())
        }
    }

    pub struct Smtp;

    impl Mailer for Smtp {
        fn send(&self, to: &str) -> String {
            format!("to {to}")
        }
    }

    pub fn builder() -> AppBuilder<Store> {
        App::builder()
            .modules(modules![self])
            .store(MemoryStore::new())
            .provide::<dyn Mailer>(Arc::new(Smtp))
            .provide(Arc::new(Prices(7)))
            .provide(Arc::new(Desk { name: "ding" }))
    }
}

mod incomplete {
    //! A module in which much is missing.

    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    pub struct Forgotten {
        pub text: String,
    }

    #[derive(Query)]
    #[query(output = ())]
    pub struct AlsoForgotten {}

    #[derive(Command)]
    #[command(output = (), error = std::fmt::Error)]
    pub struct Contract {
        pub text: String,
    }

    #[command_handler(contract)]
    async fn first(_: &Contract, _: Dep<u8>) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[command_handler(contract)]
    async fn second(_: &Contract, _: Dep<u16>, _: Dep<u32>) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[derive(Command)]
    #[command(name = "Same")]
    pub struct One {
        pub text: String,
    }

    #[derive(Command)]
    #[command(name = "Same")]
    pub struct Other {
        pub text: String,
    }

    #[command_handler]
    async fn one(_: &One) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[command_handler]
    async fn other(_: &Other) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[derive(Event)]
    enum Clash {
        #[event(name = "clash.same")]
        A,
    }

    #[derive(Event)]
    enum Clash2 {
        #[event(name = "clash.same")]
        A,
    }
}

mod empty {
    cqrs_core::module!();
}

mod panicking {
    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    pub struct Panic {
        pub text: String,
    }

    #[command_handler]
    async fn panic(cmd: &Panic) -> Result<(), std::fmt::Error> {
        tokio::task::yield_now().await;
        panic!("no {}", cmd.text)
    }

    #[derive(Command)]
    pub struct Park {
        pub text: String,
    }

    #[command_handler]
    async fn park(
        _: &Park,
        dropped: Dep<std::sync::atomic::AtomicBool>,
    ) -> Result<(), std::fmt::Error> {
        struct OnDrop(Dep<std::sync::atomic::AtomicBool>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let _guard = OnDrop(dropped);
        std::future::pending().await
    }
}

#[tokio::test]
async fn parameters_are_resolved_from_the_application() {
    let app = shop::builder().build().unwrap();
    let greeting = || shop::Greeting { name: "Ada".into() };
    let answer = app.query(greeting()).actor("bob").extension(9_u32).await.unwrap();
    assert_eq!(answer, "to Ada 7 false bob 9");
    let app = shop::builder().provide(Arc::new(String::new())).build().unwrap();
    assert_eq!(app.query(greeting()).await.unwrap(), "to Ada 7 true nobody 0");
}

#[tokio::test]
async fn methods_of_a_service_are_handlers() {
    let app = shop::builder().build().unwrap();
    assert_eq!(app.execute(shop::Ring { times: 2 }).await.unwrap().value, "dingding");
    let error = app.execute(shop::Ring { times: 0 }).await.unwrap_err();
    assert_eq!(error.rejection(), Some(&std::fmt::Error));
    assert_eq!(app.query(shop::Length { text: "abc".into() }).await.unwrap(), 7);
}

/// Everything that is wrong, at once, with its place.
#[test]
fn all_mistakes_are_reported_together() {
    let expected = ["not-linked"];
    let result = App::builder()
        .modules(modules![self::incomplete, self::empty])
        .expect_crates(expected)
        .verify();
    let error = result.unwrap_err();
    let problems = error.problems();
    let has =
        |matches: &dyn Fn(&Problem) -> bool| problems.iter().filter(|one| matches(one)).count();
    assert_eq!(has(&|one| matches!(one, Problem::MissingHandler { name: "Forgotten", .. })), 1);
    assert_eq!(has(&|one| matches!(one, Problem::MissingHandler { name: "AlsoForgotten", .. })), 1);
    assert_eq!(has(&|one| matches!(one, Problem::DuplicateHandler { name: "Contract", .. })), 1);
    assert_eq!(
        has(&|one| matches!(one, Problem::DuplicateName { kind: "commands", name: "Same", .. })),
        1
    );
    assert_eq!(has(&|one| matches!(one, Problem::DuplicateName { kind: "events", .. })), 1);
    assert_eq!(has(&|one| matches!(one, Problem::MissingDependency { .. })), 3);
    assert_eq!(has(&|one| matches!(one, Problem::EmptyModule { .. })), 1);
    assert_eq!(has(&|one| matches!(one, Problem::MissingCrate { .. })), 1);
    assert_eq!(problems.len(), 10, "{error}");
    let text = error.to_string();
    assert!(text.contains("`second` ("), "{text}");
    assert!(text.matches("flow/wiring.rs:").count() >= 10, "{text}");
}

#[test]
fn an_application_of_nothing_is_a_mistake() {
    assert_eq!(problems(App::builder().verify()), [Problem::Empty]);
}

#[test]
fn explicit_registration_gives_the_same_registry() {
    let explicit = App::builder()
        .register::<Open>()
        .register::<Deposit>()
        .register::<Withdraw>()
        .register::<DepositAll>()
        .register::<Bonus>()
        .register::<Audit>()
        .register::<Explode>()
        .register::<Corrupt>()
        .register::<Transfer>()
        .register::<AuditTwice>()
        .register::<AccountEvent>()
        .register::<Account>()
        .register::<Balances>()
        .register::<BalanceOf>()
        .register::<balance_of>()
        .register::<transfer>()
        .register::<audit_twice>()
        .register_decision::<Account, Open>()
        .register_decision::<Account, Deposit>()
        .register_decision::<Account, Withdraw>()
        .register_decision::<Account, DepositAll>()
        .register_decision::<Account, Bonus>()
        .register_decision::<Account, Audit>()
        .register_decision::<Account, Explode>()
        .register_decision::<Account, Corrupt>();
    assert_eq!(explicit.verify().unwrap(), builder().verify().unwrap());
}

#[test]
fn the_same_item_twice_is_one_item() {
    let registry = builder().register::<Open>().verify().unwrap();
    assert_eq!(registry, builder().verify().unwrap());
}

#[tokio::test]
async fn dispatch_by_name_takes_and_gives_json() {
    let app = app(MemoryStore::new());
    let open = br#"{"account":"a","owner":"Ada"}"#;
    app.execute_json("Open", open, Origin::new()).await.unwrap();
    let deposit = br#"{"account":"a","cents":100}"#;
    assert_eq!(app.execute_json("Deposit", deposit, Origin::new()).await.unwrap(), b"null");
    let bonus = br#"{"account":"a","percent":10}"#;
    assert_eq!(app.execute_json("Bonus", bonus, Origin::new()).await.unwrap(), b"110");
    app.catch_up(crate::stores::GUARD).await.unwrap();
    let answer = app.query_json("BalanceOf", br#"{"account":"a"}"#, Origin::new()).await.unwrap();
    assert_eq!(answer, b"110");

    let error = app.execute_json("Nonsense", b"{}", Origin::new()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "handler_not_found");
    assert!(
        matches!(error.downcast_ref(), Some(BusError::HandlerNotFound { name }) if name == "Nonsense")
    );
    let bad = br#"{"account":"a","cents":"many"}"#;
    let error = app.execute_json("Deposit", bad, Origin::new()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("Deposit") && text.contains("support::bank::Deposit"), "{text}");
    assert!(text.contains("`cents`") && text.contains("expected i64"), "{text}");
    let trailing = br#"{"account":"a","cents":1} x"#;
    let error = app.execute_json("Deposit", trailing, Origin::new()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "payload");
    let overdrawn = br#"{"account":"a","cents":1000}"#;
    let error = app.execute_json("Withdraw", overdrawn, Origin::new()).await.unwrap_err();
    assert!(error.is_rejection());
    let typed: &CommandError<AccountError> = error.downcast_ref().unwrap();
    assert_eq!(typed.rejection(), Some(&AccountError::Overdrawn { by: 890 }));
}

#[tokio::test]
async fn dispatch_by_name_takes_and_gives_values() {
    let app = app(MemoryStore::new());
    let open = app.decode_command("Open", br#"{"account":"a","owner":"Ada"}"#).unwrap();
    let executed = app.execute_any("Open", &*open, Origin::new()).await.unwrap();
    assert!(executed.value.is::<()>());
    let deposit = Deposit { account: "a".into(), cents: 100 };
    let executed = app.execute_any("Deposit", &deposit, Origin::new()).await.unwrap();
    assert_eq!(executed.receipt.streams().count(), 1, "the receipt is that of a typed call");
    let bonus = Bonus { account: "a".into(), percent: 10 };
    let executed = app.execute_any("Bonus", &bonus, Origin::new()).await.unwrap();
    assert_eq!(executed.value.downcast_ref(), Some(&110_i64));
    app.catch_up(crate::stores::GUARD).await.unwrap();
    let query = BalanceOf { account: "a".into() };
    let answer = app.query_any("BalanceOf", &query, Origin::new()).await.unwrap();
    assert_eq!(answer.downcast_ref(), Some(&Some(110_i64)));
    let query = app.decode_query("BalanceOf", br#"{"account":"a"}"#).unwrap();
    let answer = app.query_any("BalanceOf", &*query, Origin::new()).await.unwrap();
    assert_eq!(answer.downcast_ref(), Some(&Some(110_i64)));

    let overdrawn = Withdraw { account: "a".into(), cents: 1000 };
    let error = app.execute_any("Withdraw", &overdrawn, Origin::new()).await.unwrap_err();
    assert!(error.is_rejection());
    let typed: &CommandError<AccountError> = error.downcast_ref().unwrap();
    assert_eq!(typed.rejection(), Some(&AccountError::Overdrawn { by: 890 }));
}

#[tokio::test]
async fn dispatch_by_name_refuses_an_unknown_name_and_a_value_of_another_type() {
    let app = app(MemoryStore::new());
    let deposit = Deposit { account: "a".into(), cents: 100 };
    let query = BalanceOf { account: "a".into() };

    let unknown = [
        app.execute_any("Nonsense", &deposit, Origin::new()).await.unwrap_err(),
        app.query_any("Nonsense", &query, Origin::new()).await.unwrap_err(),
        app.decode_command("Nonsense", b"{}").unwrap_err(),
        app.decode_query("Nonsense", b"{}").unwrap_err(),
        // A query is no command.
        app.execute_any("BalanceOf", &query, Origin::new()).await.unwrap_err(),
    ];
    for error in unknown {
        assert!(matches!(error.downcast_ref(), Some(BusError::HandlerNotFound { .. })), "{error}");
    }
    let of_another_type = [
        app.execute_any("Withdraw", &deposit, Origin::new()).await.unwrap_err(),
        app.query_any("BalanceOf", &deposit, Origin::new()).await.unwrap_err(),
    ];
    for (error, wanted) in of_another_type.iter().zip(["Withdraw", "BalanceOf"]) {
        let Some(BusError::Payload { expected, reason, .. }) = error.downcast_ref() else {
            panic!("{error:?}");
        };
        assert!(expected.contains(&format!("support::bank::{wanted}")), "{expected}");
        assert_eq!(&**reason, "it is a value of another type");
    }
}

#[tokio::test]
async fn a_message_of_another_application_has_no_handler_here() {
    let app = app(MemoryStore::new());
    let error = app.execute(shop::Ring { times: 1 }).await.unwrap_err();
    assert!(
        matches!(error, CommandError::Bus(BusError::HandlerNotFound { name }) if name == "Ring")
    );
}

#[tokio::test]
async fn a_panicking_handler_is_an_error_and_the_process_lives() {
    let builder = App::builder().modules(modules![self::panicking]).store(MemoryStore::new());
    let app = builder.provide(Arc::new(std::sync::atomic::AtomicBool::new(false))).build().unwrap();
    for _ in 0..3 {
        let error = app.execute(panicking::Panic { text: "way".into() }).await.unwrap_err();
        let CommandError::Bus(BusError::HandlerPanicked { name, message }) = error else {
            panic!("{error}")
        };
        assert_eq!((name, message.as_str()), ("Panic", "no way"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_drops_the_handler() {
    let dropped = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let builder = App::builder().modules(modules![self::panicking]).store(MemoryStore::new());
    let app = builder.provide(Arc::clone(&dropped)).build().unwrap();
    let limit = std::time::Duration::from_secs(3);
    let call = app.execute(panicking::Park { text: String::new() }).timeout(limit);
    let error = call.await.unwrap_err();
    assert!(
        matches!(error, CommandError::Bus(BusError::Timeout { limit: given, .. }) if given == limit)
    );
    assert!(dropped.load(std::sync::atomic::Ordering::SeqCst));
}

#[tokio::test]
async fn one_module_can_serve_two_applications() {
    let (one, other) = (app(MemoryStore::new()), app(MemoryStore::new()));
    open(&one, "a").await;
    assert!(other.execute(Deposit { account: "a".into(), cents: 1 }).await.is_err());
}

mod versions {
    //! Event types that do not fit together.

    use super::*;
    use cqrs_core::event::{DecodeError, Decoded, Deleted, EventType, PastVersion};
    use cqrs_core::message::{CodecError, Json};
    use cqrs_core::store::RecordedEvent;

    /// Version 3, as its owner has it.
    #[derive(Event)]
    #[event(name = "paper.printed", version = 3, first = 3)]
    pub struct Printed {
        pub copies: u32,
    }

    #[derive(Event)]
    pub enum PaperEvent {
        Printed(Printed),
        #[event(formerly("paper.cut"))]
        Torn,
    }

    pub mod shared {
        //! Another taker of the same struct.
        #[derive(cqrs_core::Event)]
        pub enum Counted {
            Printed(super::Printed),
        }
    }

    pub mod stale {
        //! A copy that has stayed behind.
        #[derive(cqrs_core::Event)]
        #[event(prefix = "paper")]
        pub enum Counted {
            Printed { copies: u8 },
        }
    }

    pub mod taken {
        //! A name that another type had before.
        #[derive(cqrs_core::Event)]
        #[event(prefix = "paper", retired("paper.torn"))]
        pub enum Cutting {
            Cut,
        }
    }

    /// An event that was written by hand, with a hole in its past.
    pub struct ByHand;

    impl Event for ByHand {
        const TYPES: &'static [EventType] =
            &[EventType::new("hand.made", 4, file!(), line!()).after(&[PastVersion::untyped(1)])];
        type Codec = Json;

        fn event_type(&self) -> &'static EventType {
            &Self::TYPES[0]
        }

        fn encode(&self, _: &mut Vec<u8>) -> Result<(), CodecError> {
            Ok(())
        }

        fn decode(_: &RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
            Ok(Decoded::One(Self))
        }
    }

    #[derive(Projection, Default)]
    #[projection(event = ByHand, key = u64, row = u64)]
    pub struct Hands;

    impl Project for Hands {
        async fn project(
            &self,
            _: &Recorded<ByHand>,
            _: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            Ok(())
        }
    }

    #[derive(Event)]
    pub enum EndingEvent {
        Deleted(Deleted),
    }

    #[derive(Aggregate, Default)]
    #[aggregate(id = AccountId, event = EndingEvent, error = AccountError)]
    pub struct Ending;

    #[apply]
    impl Apply for Ending {
        fn apply(&mut self, event: &EndingEvent) {
            match event {
                EndingEvent::Deleted(_) => {}
            }
        }
    }
}

#[test]
fn events_that_do_not_fit_together_are_problems() {
    use versions::{ByHand, Ending, Hands, PaperEvent, shared, stale, taken};

    let paper = || App::builder().register::<PaperEvent>();
    paper().register::<shared::Counted>().verify().expect("two may take one struct");

    let found = problems(paper().register::<stale::Counted>().verify());
    let [Problem::StaleVersion { name, version, current, .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((*name, version.get(), current.get()), ("paper.printed", 1, 3));
    let text = found[0].to_string();
    assert!(text.contains("is taken at version 1 (") && text.contains("version 3 now ("), "{text}");

    let found = problems(paper().register::<taken::Cutting>().verify());
    let names: Vec<_> = found
        .iter()
        .map(|problem| match problem {
            Problem::DuplicateName { kind: "events", name, .. } => *name,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["paper.cut", "paper.torn"]);

    let found = problems(App::builder().register::<Hands>().verify());
    let [Problem::BrokenChain { name: "hand.made", version, .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(version.get(), 2);
    assert!(found[0].to_string().contains("has no upcaster from version 2"), "{}", found[0]);
    assert_eq!(ByHand::TYPES[0].version.get(), 4);

    let found = problems(App::builder().register::<Ending>().verify());
    let reserved = found.iter().any(|problem| {
        matches!(
            problem,
            Problem::ReservedEvent { name: "lifecycle.deleted", aggregate: "ending", .. }
        )
    });
    assert!(reserved, "{found:?}");
}
