//! The same words over a whole application.

use std::fmt::Debug;
use std::time::Duration;

use cqrs_core::app::{App, AppBuilder, Executed, NoStore};
use cqrs_core::bus::{CommandError, Origin};
use cqrs_core::command::{Command, OneHandlerFor};
use cqrs_core::event::Event;
use cqrs_core::query::{OneQueryHandlerFor, Query};
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{EventStore, Position, ReadRequest, RecordedEvent};

use super::diff;
use crate::{ManualClock, SequentialIds};
use cqrs_core::report;

/// How long a projection may take before a test fails; virtual time does not
/// help against a projection that stands still.
const HANG_GUARD: Duration = Duration::from_secs(30);

/// An application over a store in memory.
#[derive(Debug)]
pub struct AppScenario {
    app: App,
    clock: ManualClock,
}

/// What a command has led to in an application, still to be looked at.
#[must_use = "an outcome that nobody looks at shows nothing: add a `.then_..(..)`"]
#[derive(Debug)]
pub struct AppOutcome<V, E> {
    result: Result<Executed<V>, CommandError<E>>,
    recorded: Vec<RecordedEvent>,
}

impl AppScenario {
    #[track_caller]
    pub(super) fn new(builder: AppBuilder<NoStore>) -> Self {
        let clock = ManualClock::new();
        let builder = builder.store(MemoryStore::new()).clock(clock.clone());
        match builder.ids(SequentialIds::new()).build() {
            Ok(app) => Self { app, clock },
            Err(error) => panic!("{error}"),
        }
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The clock of the application.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// A command was accepted before.
    ///
    /// # Panics
    ///
    /// Panics when it is not.
    pub async fn given<C: Command + OneHandlerFor<C>>(&self, command: C) -> &Self {
        if let Err(error) = self.app.execute(command).await {
            panic!("the given `{}` was not accepted: {}", C::NAME, report(&error));
        }
        self
    }

    /// A command arrives.
    ///
    /// # Panics
    ///
    /// Panics when the store cannot be read.
    pub async fn when<C: Command + OneHandlerFor<C>>(
        &self,
        command: C,
    ) -> AppOutcome<C::Output, C::Error> {
        self.when_from(command, Origin::new()).await
    }

    /// A command arrives with metadata, an operation id, a deadline.
    ///
    /// # Panics
    ///
    /// Panics when the store cannot be read.
    pub async fn when_from<C: Command + OneHandlerFor<C>>(
        &self,
        command: C,
        origin: Origin,
    ) -> AppOutcome<C::Output, C::Error> {
        let before = self.head().await;
        let result = self.app.execute(command).from(origin).await;
        AppOutcome { result, recorded: self.recorded_after(before).await }
    }

    /// A query gives this answer, once every projection has caught up.
    ///
    /// # Panics
    ///
    /// Panics when it gives another answer, fails, or a projection stands
    /// still.
    pub async fn then_query<Q: Query + OneQueryHandlerFor<Q>>(
        &self,
        query: Q,
        expected: Q::Output,
    ) -> &Self
    where
        Q::Output: Debug + PartialEq,
    {
        self.catch_up().await;
        match self.app.query(query).await {
            Ok(actual) if actual == expected => self,
            Ok(actual) => panic!(
                "`{}` gives another answer than expected:\n{}",
                Q::NAME,
                diff::debug(&expected, &actual)
            ),
            Err(error) => panic!("`{}` failed: {}", Q::NAME, report(&error)),
        }
    }

    async fn catch_up(&self) {
        let caught_up = self.app.catch_up(Duration::MAX);
        match tokio::time::timeout(HANG_GUARD, caught_up).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{}", report(&error)),
            Err(_) => panic!("the projections stand still: {:#?}", self.app.projections()),
        }
    }

    async fn head(&self) -> Position {
        self.app.store().info().await.expect("the store in memory can be read").head
    }

    async fn recorded_after(&self, position: Position) -> Vec<RecordedEvent> {
        let request = ReadRequest::all().after(position.get()).limit(usize::MAX);
        let page = self.app.store().read(request).await;
        page.expect("the store in memory can be read").into_events()
    }
}

impl<V: Debug, E: std::error::Error + 'static> AppOutcome<V, E> {
    /// Accepted; gives the answer and its receipt.
    ///
    /// # Panics
    ///
    /// Panics with the error otherwise.
    #[track_caller]
    pub fn then_accepted(self) -> Executed<V> {
        match self.result {
            Ok(executed) => executed,
            Err(error) => panic!("expected the command to be accepted: {}", report(&error)),
        }
    }

    /// Accepted, and exactly these events were stored, in this order.
    ///
    /// # Panics
    ///
    /// Panics with a difference by field when others were.
    #[track_caller]
    pub fn then_events<Ev>(self, expected: impl IntoIterator<Item = Ev>) -> Executed<V>
    where
        Ev: Event + Debug + PartialEq,
    {
        let expected: Vec<Ev> = expected.into_iter().collect();
        let decode = |event: &RecordedEvent| {
            Ev::decode(event).unwrap_or_else(|error| panic!("{event:?}: {}", report(&error)))
        };
        let actual: Vec<Ev> = self.recorded.iter().flat_map(decode).collect();
        let executed = self.then_accepted();
        if actual != expected {
            panic!("other events than expected:\n{}", diff::events(&expected, &actual));
        }
        executed
    }

    /// Rejected by the domain with this error, and nothing was stored.
    ///
    /// # Panics
    ///
    /// Panics when it was accepted or failed for another reason.
    #[track_caller]
    pub fn then_rejected(self, expected: E)
    where
        E: PartialEq,
    {
        let Err(error) = &self.result else {
            panic!("expected a rejection, got {:?}", self.result)
        };
        match error.rejection() {
            Some(actual) if *actual == expected => {}
            Some(actual) => {
                panic!("rejected with another error:\n{}", diff::debug(&expected, actual));
            }
            None => panic!("expected a rejection by the domain: {}", report(error)),
        }
        assert!(self.recorded.is_empty(), "rejected, yet stored: {:?}", self.recorded);
    }

    /// The result as it is.
    ///
    /// # Errors
    ///
    /// The command's.
    pub fn into_result(self) -> Result<Executed<V>, CommandError<E>> {
        self.result
    }

    /// The events that were stored.
    pub fn recorded(&self) -> &[RecordedEvent] {
        &self.recorded
    }
}
