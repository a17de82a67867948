//! Putting an application together; everything wrong is reported together.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::around::Around;
use super::evictor::Evictor;
use super::feed::Feed;
use super::live::Changing;
use super::wiring::{Aggregates, Provided};
use super::{App, Dep, InFlight, Inner, Live, Wiring};
use crate::aggregate::{Decides, RetryLimit};
use crate::message::IdGenerator;
use crate::policy::PolicySettings;
use crate::projection::RunnerHandle;
use crate::registry::{
    Body, BuildError, Module, Register, Registration, Registry, Selection, Serves,
};
use crate::runtime::{Clock, Random, Services, Spawner, TaskSet};
use crate::store::memory::MemoryStore;
use crate::store::{EventStore, Store};
use crate::subscription::Lookout;

/// Collects what an application needs. It can be built once it has a store:
/// `S` says whether it does.
#[must_use = "an application does not exist until it is built"]
pub struct AppBuilder<S = NoStore> {
    store: S,
    services: Services,
    provided: Provided,
    modules: Vec<Module>,
    explicit: Vec<Registration>,
    expected: Vec<String>,
    cached_aggregates: Option<usize>,
    retries: Option<RetryLimit>,
    start_projections: bool,
    pub(super) around: Around,
}

/// What a builder has before it is given a store.
#[derive(Clone, Copy, Debug)]
pub struct NoStore;

/// That a builder was given a store.
#[diagnostic::on_unimplemented(
    message = "the application has no store",
    label = "an application keeps its events in a store",
    note = "add `.store(MemoryStore::new())`, or another store, before `.build()`"
)]
pub trait HasStore {
    #[doc(hidden)]
    fn take(self) -> Store;
}

impl HasStore for Store {
    fn take(self) -> Store {
        self
    }
}

impl AppBuilder {
    pub(super) fn new() -> Self {
        Self {
            store: NoStore,
            services: Services::default(),
            provided: Provided::new(),
            modules: Vec::new(),
            explicit: Vec::new(),
            expected: Vec::new(),
            cached_aggregates: None,
            retries: None,
            start_projections: true,
            around: Around::default(),
        }
    }
}

impl<S> AppBuilder<S> {
    /// Sets the store, in the place of one that was set before.
    pub fn store(self, store: impl EventStore) -> AppBuilder<Store> {
        self.with(Store::new(store)).1
    }

    /// Puts another store, or none, into the builder; gives what it had.
    fn with<T>(self, store: T) -> (S, AppBuilder<T>) {
        let Self {
            store: had,
            services,
            provided,
            modules,
            explicit,
            expected,
            cached_aggregates,
            retries,
            start_projections,
            around,
        } = self;
        let builder = AppBuilder {
            store,
            services,
            provided,
            modules,
            explicit,
            expected,
            cached_aggregates,
            retries,
            start_projections,
            around,
        };
        (had, builder)
    }

    /// Lists modules: `.modules(modules![crate, billing])`.
    pub fn modules(mut self, modules: impl IntoIterator<Item = Module>) -> Self {
        self.modules.extend(modules);
        self
    }

    /// Registers one derived type or marked function without inventory.
    pub fn register<T: Register + ?Sized>(mut self) -> Self {
        self.explicit.push(T::REGISTRATION);
        self
    }

    /// Registers that an aggregate decides a command, without inventory.
    pub fn register_decision<A: Decides<C>, C>(mut self) -> Self {
        self.explicit.push(A::REGISTRATION);
        self
    }

    /// Registers that a service's method handles a message, without inventory.
    pub fn register_method<T: Serves<M>, M>(mut self) -> Self {
        self.explicit.push(T::REGISTRATION);
        self
    }

    /// Names packages that must have contributed, for those that no code
    /// names.
    pub fn expect_crates<'a>(mut self, packages: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.extend(packages.into_iter().map(str::to_owned));
        self
    }

    /// Provides something that handlers ask for as [`Dep<T>`]:
    /// `.provide::<dyn Mailer>(Arc::new(SmtpMailer::new()))`.
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.provided.insert(TypeId::of::<T>(), Box::new(Dep::new(value)));
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.services.clock = Arc::new(clock);
        self
    }

    /// Replaces the id generator.
    pub fn ids(mut self, ids: impl IdGenerator) -> Self {
        self.services.ids = Arc::new(ids);
        self
    }

    /// Replaces the source of randomness.
    pub fn random(mut self, random: impl Random) -> Self {
        self.services.random = Arc::new(random);
        self
    }

    /// Replaces what runs background tasks.
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.services.spawner = Arc::new(spawner);
        self
    }

    /// How many aggregates of each type stay loaded. Default 10,000.
    pub fn cached_aggregates(mut self, count: usize) -> Self {
        self.cached_aggregates = Some(count);
        self
    }

    /// How often a command is decided again after losing against another
    /// writer. Default 10.
    pub fn conflict_retries(mut self, limit: RetryLimit) -> Self {
        self.retries = Some(limit);
        self
    }

    /// Leaves the event handlers to another process.
    pub fn without_event_handlers(mut self) -> Self {
        self.around.listening.start = false;
        self
    }

    /// Leaves the projections to another process; views read what it writes.
    pub fn without_projections(mut self) -> Self {
        self.start_projections = false;
        self
    }

    /// Checks everything that [`build`](Self::build) checks, without a store
    /// and without starting anything. For a test of the wiring.
    ///
    /// # Errors
    ///
    /// [`BuildError`] lists everything that is wrong.
    pub fn verify(self) -> Result<Registry, BuildError> {
        let store = Store::new(MemoryStore::new());
        let selection = Selection::of(&self.modules, &self.explicit, &self.expected);
        let registry = Registry::of(&selection.registrations);
        self.wire(store, selection)?;
        Ok(registry)
    }

    /// Builds the application and starts its projections. Call it within the
    /// runtime that shall run them.
    ///
    /// # Errors
    ///
    /// [`BuildError`] lists everything that is wrong, each with its place in
    /// the source.
    pub fn build(self) -> Result<App, BuildError>
    where
        S: HasStore,
    {
        let selection = Selection::of(&self.modules, &self.explicit, &self.expected);
        let registry = Registry::of(&selection.registrations);
        let start = self.start_projections;
        let (store, builder) = self.with(NoStore);
        let mut wiring = builder.wire(store.take(), selection)?;
        let (services, tasks) = (Arc::clone(&wiring.services), wiring.tasks.clone());
        let lookout = Lookout::new(wiring.store.clone(), services, tasks);
        let subscriptions = wiring.listen(&lookout);
        let Wiring { store, services, tasks, aggregates, app, handlers, projections, .. } = wiring;
        let Wiring { policies, resolved, observers, paces, .. } = wiring;
        let answers = policies.answers.clone();
        let events = builder.around.events.clone();
        // What code has said stays as it is.
        let conflicts = builder.retries.is_none().then(|| aggregates.retries.clone());
        let changing = Changing { policies, resolved, paces, conflicts };
        let live = Live::new(builder.around, changing, observers);
        let start = projections.into_iter().filter(|_| start);
        let projections = start
            .map(|(id, start)| (id, start(store.clone(), Arc::clone(&services), &tasks, &lookout)))
            .collect();
        let projections: HashMap<TypeId, RunnerHandle> = projections;
        let evictor =
            Evictor::start(&live, answers, &projections, &store, &services, &tasks, &lookout);
        let feed = Feed::start(events, &live.config(), &store, &services, &tasks, &lookout);
        let inner = Arc::new(Inner {
            handlers,
            store,
            services,
            tasks,
            registry,
            aggregates,
            projections,
            live,
            evictor,
            feed,
            in_flight: InFlight::default(),
            subscriptions,
            closing: false.into(),
        });
        app.set(Arc::downgrade(&inner)).expect("an application is wired once");
        Ok(App(inner))
    }

    fn wire(&self, store: Store, selection: Selection) -> Result<Wiring<'_>, BuildError> {
        let services = Arc::new(self.services.clone());
        let tasks = TaskSet::new(Arc::clone(&services.spawner));
        let Some(first) = selection.registrations.first() else {
            return Err(BuildError::unless_empty(selection.problems)
                .expect_err("an empty selection is a problem"));
        };
        let mut wiring = Wiring {
            store,
            services,
            tasks,
            provided: &self.provided,
            aggregates: Aggregates::new(
                self.cached_aggregates.unwrap_or(self.around.config.aggregates.cached),
                self.retries.unwrap_or(RetryLimit(self.around.config.retry.conflicts)),
            ),
            app: Arc::new(OnceLock::new()),
            handlers: crate::bus::Handlers::default(),
            projections: Vec::new(),
            listeners: Vec::new(),
            problems: selection.problems,
            current: *first,
            around: &self.around,
            policies: self.around.policies(&self.services),
            resolved: Vec::new(),
            observers: self.around.observers(),
            paces: Vec::new(),
            said: said_by_messages(&selection.registrations),
        };
        // A handler takes its guards along.
        let guards = |one: &&Registration| matches!(one.body, Body::Guard { .. });
        let (guards, others): (Vec<&Registration>, Vec<&Registration>) =
            selection.registrations.iter().partition(guards);
        for registration in guards.into_iter().chain(others) {
            wiring.current = *registration;
            match registration.body {
                Body::Handler { install, .. }
                | Body::Projection { install, .. }
                | Body::EventHandler { install, .. }
                | Body::Guard { install } => install(&mut wiring),
                _ => {}
            }
        }
        wiring.check_names();
        wiring.check_config();
        BuildError::unless_empty(std::mem::take(&mut wiring.problems))?;
        Ok(wiring)
    }
}

/// What the attributes of messages say about their handlers, by the message's
/// type.
fn said_by_messages(registrations: &[Registration]) -> HashMap<TypeId, &'static PolicySettings> {
    let said = registrations.iter().filter_map(|one| match one.body {
        Body::Message { type_id, policy, .. } => Some((type_id(), policy)),
        _ => None,
    });
    said.collect()
}

impl<S> fmt::Debug for AppBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder").field("modules", &self.modules).finish_non_exhaustive()
    }
}
