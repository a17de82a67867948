//! Guards as functions and methods: they ask what handlers can ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_core::prelude::*;
use cqrs_core::registry::{Kind, Problem};

use crate::stores::GUARD;

mod users {
    //! Users, whose addresses belong to one of them.

    use super::*;

    cqrs_core::module!();

    #[derive(Id)]
    pub struct UserId(pub String);

    #[derive(Command)]
    pub struct Register {
        pub user: UserId,
        #[check(length(max = 20))]
        pub email: String,
    }

    #[derive(Event)]
    pub enum UserEvent {
        Registered { email: String },
    }

    #[derive(Rejection, Debug)]
    pub enum UserError {
        /// The user is registered already.
        Registered,
    }

    #[derive(Aggregate, Default)]
    #[aggregate(id = UserId, event = UserEvent, error = UserError)]
    pub struct User {
        exists: bool,
    }

    #[command_handlers]
    impl User {
        fn register(&self, command: &Register) -> Result<UserEvent, UserError> {
            ensure!(!self.exists, UserError::Registered);
            Ok(UserEvent::Registered { email: command.email.clone() })
        }
    }

    #[apply]
    impl Apply for User {
        fn apply(&mut self, event: &UserEvent) {
            match event {
                UserEvent::Registered { .. } => self.exists = true,
            }
        }
    }

    #[derive(Projection, Default)]
    #[projection(event = UserEvent, key = String, row = String)]
    pub struct Addresses;

    impl Project for Addresses {
        async fn project(
            &self,
            event: &Recorded<UserEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let UserEvent::Registered { email } = event.data();
            rows.put(email, event.stream().key().to_owned());
            Ok(())
        }
    }
}

mod checks {
    //! What a command of theirs has to pass.

    use super::users::*;
    use super::*;

    cqrs_core::module!();

    #[guard]
    pub async fn address_is_free(
        command: &Register,
        addresses: View<Addresses>,
        asked: Dep<Asked>,
    ) -> Result<(), BusError> {
        asked.0.fetch_add(1, Ordering::SeqCst);
        let mut violations = Violations::new();
        if addresses.get(&command.email).await?.is_some() {
            violations.add("email", "taken", "belongs to somebody else");
        }
        Ok(violations.into_result()?)
    }

    /// How often the address was looked up.
    #[derive(Default)]
    pub struct Asked(pub AtomicU32);

    pub struct Doorman(pub &'static str);

    #[handlers]
    impl Doorman {
        #[guard]
        fn knows(&self, command: &Register, ctx: &Context) -> Result<(), Violations> {
            let mut violations = Violations::new();
            if command.user.0 == self.0 && ctx.metadata().actor.is_none() {
                violations.add("user", "unwelcome", "is not let in");
            }
            violations.into_result()
        }
    }
}

use checks::{Asked, Doorman};
use users::Register;

fn app(modules: impl IntoIterator<Item = cqrs_core::registry::Module>, asked: &Arc<Asked>) -> App {
    App::builder()
        .modules(modules)
        .store(MemoryStore::new())
        .provide(Arc::clone(asked))
        .provide(Arc::new(Doorman("mallory")))
        .build()
        .expect("everything is there")
}

fn register(user: &str, email: &str) -> Register {
    Register { user: user.into(), email: email.into() }
}

/// The fields that a refusal names, and why.
async fn refused(app: &App, command: Register) -> Vec<(String, String)> {
    let error = app.execute(command).await.expect_err("it is refused");
    let CommandError::Bus(BusError::Validation(violations)) = error else { panic!("{error}") };
    let all = violations.iter();
    all.map(|one| (one.field.to_string(), one.code.to_string())).collect()
}

#[tokio::test]
async fn a_guard_asks_a_read_model_and_names_the_field_that_it_refuses() {
    let asked = Arc::new(Asked::default());
    let app = app(cqrs_core::modules![users, checks], &asked);
    app.execute(register("ada", "a@b.c")).shown_within(GUARD).await.expect("it is free");

    assert_eq!(refused(&app, register("bob", "a@b.c")).await, pairs(&[("email", "taken")]));
    app.execute(register("bob", "b@b.c")).await.expect("another is free");
    assert_eq!(asked.0.load(Ordering::SeqCst), 3);
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[tokio::test]
async fn what_the_fields_say_comes_before_what_has_to_be_asked_for() {
    let asked = Arc::new(Asked::default());
    let app = app(cqrs_core::modules![users, checks], &asked);

    let too_long = refused(&app, register("ada", &"a".repeat(21))).await;

    assert_eq!(too_long[0].0, "email");
    assert_eq!(asked.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_method_of_a_service_guards_too_and_sees_the_call() {
    let app = app(cqrs_core::modules![users, checks], &Arc::default());

    assert_eq!(refused(&app, register("mallory", "m@b.c")).await, pairs(&[("user", "unwelcome")]));
    let known = Origin::new().actor("mallory");
    app.execute(register("mallory", "m@b.c")).from(known).await.expect("somebody stands for it");
}

#[tokio::test]
async fn a_guard_is_registered_by_its_name_or_with_its_module() {
    let without = app(cqrs_core::modules![users], &Arc::default());
    without.execute(register("mallory", "m@b.c")).await.expect("nobody asks");
    assert_eq!(without.registry().names(Kind::Guard).count(), 0);

    let app = App::builder()
        .modules(cqrs_core::modules![users])
        .register::<checks::address_is_free>()
        .provide(Arc::new(Asked::default()))
        .store(MemoryStore::new())
        .build()
        .expect("everything is there");
    app.execute(register("ada", "a@b.c")).shown_within(GUARD).await.expect("it is free");
    assert_eq!(refused(&app, register("bob", "a@b.c")).await.len(), 1);
    assert_eq!(app.registry().names(Kind::Guard).collect::<Vec<_>>(), ["Register"]);
}

#[tokio::test]
async fn a_guard_of_a_command_that_nobody_handles_is_a_mistake() {
    let wrong = App::builder()
        .modules(cqrs_core::modules![checks, support::bank])
        .provide(Arc::new(Asked::default()))
        .provide(Arc::new(Doorman("mallory")))
        .verify()
        .expect_err("there is nothing to guard");

    assert!(matches!(
        wrong.problems(),
        [Problem::UnknownHandler { name, .. }] if name == "Register"
    ));
}
