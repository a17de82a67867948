//! The application under construction, as handlers see it.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::around::Around;
use super::listening::{Listener, Paced};
use super::{AnyCommand, AnyQuery, Bus, Dep, Inner, Parameter};
use crate::aggregate::{
    Aggregate, AggregateRuntime, Apply, Decides, IdFor, LiveRetryLimit, Repository, RetryLimit,
};
use crate::bus::{
    Answer, AsyncCommandHandler, BusError, CommandHandler, Context, Handlers, Instant, MessageKind,
    Now, Origin, QueryError, QueryHandler, Target, Waiting,
};
use crate::command::{Command, OneHandlerFor, Targets};
use crate::policy::{GuardFn, Observers, Policies, Policy, PolicySettings, Stack};
use crate::projection::{Project, Projection, Runner, RunnerHandle, View};
use crate::query::Query;
use crate::registry::{Body, Problem, Registration};
use crate::runtime::{BoxFuture, Services, TaskSet};
use crate::store::Store;
use crate::subscription::Lookout;

/// What was provided, by type.
pub(super) type Provided = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Resolves parameters and takes handlers while an application is built.
pub struct Wiring<'a> {
    pub(super) store: Store,
    pub(super) services: Arc<Services>,
    pub(super) tasks: TaskSet,
    pub(super) provided: &'a Provided,
    pub(super) aggregates: Aggregates,
    pub(super) app: Arc<OnceLock<Weak<Inner>>>,
    pub(super) handlers: Handlers,
    pub(super) projections: Vec<Start>,
    pub(super) listeners: Vec<Listener>,
    pub(super) problems: Vec<Problem>,
    pub(super) current: Registration,
    pub(super) around: &'a Around,
    pub(super) policies: Policies,
    pub(super) observers: Observers,
    pub(super) said: HashMap<TypeId, &'static PolicySettings>,
    /// The policy of each handler, with what its attributes say.
    pub(super) resolved: Vec<Resolved>,
    /// How each event handler is tried.
    pub(super) paces: Vec<Paced>,
}

/// A handler, what its attributes say about its policy, and that.
pub(super) type Resolved = (Target, PolicySettings, Arc<Policy>);

/// A projection to start once nothing is wrong.
pub(super) type Start = (TypeId, fn(Store, Arc<Services>, &TaskSet, &Lookout) -> RunnerHandle);

/// What runs the aggregates of one application, by type.
pub(crate) struct Aggregates {
    pub(super) capacity: usize,
    pub(super) retries: LiveRetryLimit,
    runtimes: Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
}

impl Aggregates {
    pub(super) fn new(capacity: usize, retries: RetryLimit) -> Self {
        Self { capacity, retries: LiveRetryLimit::new(retries), runtimes: Mutex::default() }
    }

    fn get<A: Apply>(
        &self,
        store: &Store,
        services: &Arc<Services>,
        tasks: &TaskSet,
    ) -> Arc<AggregateRuntime<A>> {
        let mut runtimes = self.runtimes.lock().expect("nothing panics under the lock");
        let fresh = || {
            let (store, services, tasks) = (store.clone(), Arc::clone(services), tasks.clone());
            let (capacity, retries) = (self.capacity, self.retries.clone());
            let runtime = AggregateRuntime::<A>::new(store, services, tasks, capacity, retries);
            Box::new(Arc::new(runtime)) as Box<dyn Any + Send + Sync>
        };
        let runtime = runtimes.entry(TypeId::of::<A>()).or_insert_with(fresh);
        Arc::clone(runtime.downcast_ref().expect("the entry of a type holds that type"))
    }

    pub(crate) fn runtime<A: Apply>(&self, inner: &Inner) -> Arc<AggregateRuntime<A>> {
        self.get(&inner.store, &inner.services, &inner.tasks)
    }
}

impl Wiring<'_> {
    /// Resolves one parameter.
    pub fn parameter<P: Parameter>(&mut self) -> Option<P> {
        P::resolve(self)
    }

    /// Takes a handler of a command.
    pub fn command<C: Command + OneHandlerFor<C>>(&mut self, handler: impl CommandHandler<C>) {
        let Some(stack) = self.stack(MessageKind::Command, C::NAME, TypeId::of::<C>()) else {
            return;
        };
        self.handlers.add_command::<C>(handler, stack, AnyCommand::of::<C>());
    }

    /// Takes a function that handles a command and may wait.
    pub fn command_async<C: Command + OneHandlerFor<C>>(
        &mut self,
        handler: impl AsyncCommandHandler<C>,
    ) {
        self.command::<C>(Waiting(handler));
    }

    /// Takes a function that handles a command and waits for nothing.
    pub fn command_now_fn<C: Command + OneHandlerFor<C>>(
        &mut self,
        handler: impl Fn(&C, &Context) -> Answer<C> + Send + Sync + 'static,
    ) {
        self.command::<C>(Instant(handler));
    }

    /// Takes a function that answers a query.
    pub fn query_fn<Q: Query>(
        &mut self,
        handler: impl for<'b> Fn(&'b Q, &'b Context) -> BoxFuture<'b, Result<Q::Output, QueryError>>
        + Send
        + Sync
        + 'static,
    ) {
        self.query::<Q>(handler);
    }

    /// Takes the handler of a query.
    pub fn query<Q: Query>(&mut self, handler: impl QueryHandler<Q>) {
        let Some(stack) = self.stack(MessageKind::Query, Q::NAME, TypeId::of::<Q>()) else {
            return;
        };
        self.handlers.add_query::<Q>(handler, stack, AnyQuery::of::<Q>());
    }

    /// Takes a command that an aggregate decides.
    pub fn decision<A, C>(&mut self)
    where
        A: Decides<C> + Apply,
        C: Targets + OneHandlerFor<C, Output = <A as Decides<C>>::Value, Error = A::Error>,
        C::Id: IdFor<A>,
    {
        let runtime = self.aggregates.get::<A>(&self.store, &self.services, &self.tasks);
        self.command::<C>(DecisionHandler(runtime));
    }

    /// Takes a projection.
    pub fn projection<P: Project>(&mut self) {
        self.projections.push((TypeId::of::<P>(), Runner::<P>::start));
    }

    /// Everything around the current handler; `None` where something that it
    /// asks for is missing, which is noted.
    pub(super) fn stack(
        &mut self,
        kind: MessageKind,
        name: &'static str,
        message: TypeId,
    ) -> Option<Stack> {
        let Registration { item, module_path, location, body, .. } = self.current;
        let target = Target { kind, name, handler: item, module_path };
        let by_message = self.said.get(&message).copied().unwrap_or(PolicySettings::NONE);
        let by_handler = match body {
            Body::Handler { policy, .. } => policy,
            Body::EventHandler { settings, .. } => settings.policy,
            _ => PolicySettings::NONE,
        };
        let settings = self.policies.settings(&target, by_message, by_handler);
        match self.policies.resolve(&target, settings) {
            Ok(policy) => {
                let policy = Arc::new(policy);
                let said = by_message.clone().overruled_by(by_handler);
                self.resolved.push((target, said, Arc::clone(&policy)));
                Some(Stack {
                    target,
                    layers: self.around.middlewares.around(&target),
                    observer: self.observers.of(target, self.around.measures(kind)),
                    policy,
                })
            }
            Err(missing) => {
                self.problems.push(Problem::Unguarded { handler: item, location, missing });
                None
            }
        }
    }

    /// Takes a function that checks a command.
    pub fn guard_fn<C: Command>(
        &mut self,
        guard: impl for<'b> Fn(&'b C, &'b Context) -> BoxFuture<'b, Result<(), BusError>>
        + Send
        + Sync
        + 'static,
    ) {
        self.policies.guard(C::NAME, Arc::new(GuardFn::<C, _>::new(guard)));
    }

    /// Notes every mistake of the configuration.
    pub(super) fn check_config(&mut self) {
        let config = &self.around.config;
        let events = self.handlers.event_handlers.iter().copied();
        let named = config.check_names(self.handlers.messages(), events);
        for error in [config.validate(), named].into_iter().filter_map(Result::err) {
            let mistakes = error.mistakes().iter().map(ToString::to_string);
            self.problems.extend(mistakes.map(|mistake| Problem::Configuration { mistake }));
        }
    }

    /// Notes handlers about which code says something and that do not exist.
    pub(super) fn check_names(&mut self) {
        let known = self.handlers.names();
        let named = self.policies.named.keys().chain(self.around.listening.named.keys());
        let named = named.cloned().chain(self.policies.unused_guards());
        for name in named.filter(|name| !known.contains(name.as_str())) {
            let nearest = cqrs_schema::nearest(&name, known.iter().copied());
            self.problems.push(Problem::UnknownHandler { name, nearest });
        }
    }

    pub(super) fn optional_dependency<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Dep<T>> {
        self.provided.get(&TypeId::of::<T>())?.downcast_ref::<Dep<T>>().cloned()
    }

    pub(super) fn dependency<T: ?Sized + Send + Sync + 'static>(&mut self) -> Option<Dep<T>> {
        let found = self.optional_dependency();
        if found.is_none() {
            self.problems.push(Problem::MissingDependency {
                dependency: type_name::<T>(),
                handler: self.current.item,
                location: self.current.location,
            });
        }
        found
    }

    pub(super) fn repository<A: Apply>(&self) -> Repository<A> {
        let runtime = self.aggregates.get::<A>(&self.store, &self.services, &self.tasks);
        Repository::new(runtime, self.context())
    }

    pub(super) fn view<P: Projection>(&self) -> View<P> {
        View::new(self.store.clone())
    }

    pub(super) fn bus(&self) -> Bus {
        Bus { app: Arc::clone(&self.app), ctx: None }
    }

    pub(super) fn context(&self) -> Context {
        Context::new(Arc::clone(&self.services), Origin::new())
    }
}

impl fmt::Debug for Wiring<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wiring").field("handlers", &self.handlers).finish_non_exhaustive()
    }
}

struct DecisionHandler<A: Aggregate>(Arc<AggregateRuntime<A>>);

impl<A, C> CommandHandler<C> for DecisionHandler<A>
where
    A: Decides<C> + Apply,
    C: Targets + OneHandlerFor<C, Output = <A as Decides<C>>::Value, Error = A::Error>,
    C::Id: IdFor<A>,
{
    fn handle<'a>(&'a self, command: &'a C, ctx: &'a Context) -> BoxFuture<'a, Answer<C>> {
        let id: &<A as Aggregate>::Id = command.target().same();
        Box::pin(self.0.execute(command, id, ctx))
    }

    fn now(&self, command: &C, ctx: &Context) -> Now<Answer<C>> {
        self.0.now(command, command.target().same(), ctx)
    }

    fn resume<'a>(
        &'a self,
        begun: Box<dyn Any + Send>,
        command: &'a C,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Answer<C>> {
        Box::pin(self.0.resume(begun, command, command.target().same(), ctx))
    }
}
