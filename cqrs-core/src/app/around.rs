//! What stands around the handlers of an application, said to its builder.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::listening::Listening;
use super::{AppBuilder, settled};
use crate::bus::{MessageKind, Middleware, Middlewares, Scope, Target};
use crate::cache::{CacheBackend, Evict, Invalidations, QueryCache, TieredCache, TieredOptions};
use crate::command::Command;
use crate::config::{Config, Limit};
use crate::event_bus::EventBus;
use crate::policy::{
    Answers, Audit, AuditSink, Authenticate, Authenticator, Authorize, Authorizer, Collector,
    Guard, Guarding, Guards, Logging, Meters, Observers, Policies, PolicySettings, Shared,
};
use crate::resilience::{Backoff, Breakers, RetryBudget};
use crate::runtime::Services;
use crate::subscription::RecoveryTable;

/// What was said to a builder about the surroundings of its handlers.
pub(super) struct Around {
    pub(super) config: Config,
    /// The grace period that code asks for.
    pub(super) grace: Option<Duration>,
    pub(super) middlewares: Middlewares,
    commands: PolicySettings,
    queries: PolicySettings,
    named: HashMap<String, PolicySettings>,
    deny_by_default: bool,
    authenticator: Option<Authenticator>,
    authorizers: HashMap<String, Authorizer>,
    guards: HashMap<&'static str, Guards>,
    audit: Option<Audit>,
    pub(super) invalidations: Invalidations,
    backend: Option<Tiering>,
    collector: Option<Arc<dyn Collector>>,
    metrics: bool,
    pub(super) events: Option<Arc<dyn EventBus>>,
    pub(super) listening: Listening,
}

/// Puts a cache outside of the process behind the one inside.
type Tiering = Arc<dyn Fn(QueryCache, &Services) -> TieredCache + Send + Sync>;

impl Default for Around {
    fn default() -> Self {
        Self {
            config: Config::default(),
            grace: None,
            middlewares: Middlewares::default(),
            commands: PolicySettings::new(),
            queries: PolicySettings::new(),
            named: HashMap::new(),
            deny_by_default: false,
            authenticator: None,
            authorizers: HashMap::new(),
            guards: HashMap::new(),
            audit: None,
            invalidations: Invalidations::new(),
            backend: None,
            collector: None,
            metrics: true,
            events: None,
            listening: Listening::default(),
        }
    }
}

impl<S> AppBuilder<S> {
    /// Sets the configuration: every default that code does not overrule. A
    /// [`ConfigLoader`](crate::config::ConfigLoader) reads it from files and the
    /// environment; see [`App::reconfigure`](crate::app::App::reconfigure) for
    /// changes while the application runs.
    pub fn config(mut self, config: Config) -> Self {
        self.around.config = config;
        self
    }

    /// Puts a middleware around the handlers of a scope. The first that is
    /// declared is the outermost.
    pub fn middleware(mut self, scope: Scope, middleware: impl Middleware) -> Self {
        self.around.middlewares.add(scope, middleware);
        self
    }

    /// Makes a middleware for each handler, or none for some.
    pub fn middleware_for_each<M: Middleware>(
        mut self,
        factory: impl Fn(&Target) -> Option<M> + Send + Sync + 'static,
    ) -> Self {
        self.around.middlewares.add_factory(factory);
        self
    }

    /// Says something about the policies of all commands.
    pub fn commands(mut self, settings: PolicySettings) -> Self {
        let said = std::mem::take(&mut self.around.commands);
        self.around.commands = said.overruled_by(&settings);
        self
    }

    /// Says something about the policies of all queries.
    pub fn queries(mut self, settings: PolicySettings) -> Self {
        let said = std::mem::take(&mut self.around.queries);
        self.around.queries = said.overruled_by(&settings);
        self
    }

    /// Has the last word about the policies of the handler of one message, by
    /// its wire name, or of one event handler.
    pub fn handler(mut self, name: impl Into<String>, settings: PolicySettings) -> Self {
        let said = self.around.named.entry(name.into()).or_default();
        *said = std::mem::take(said).overruled_by(&settings);
        self
    }

    /// Establishes who calls.
    pub fn authenticate(mut self, hook: impl Authenticate) -> Self {
        self.around.authenticator = Some(Arc::new(hook));
        self
    }

    /// Gives the access policy that `#[command(policy = "..")]` names.
    pub fn access_policy(mut self, name: impl Into<String>, policy: impl Authorize) -> Self {
        self.around.authorizers.insert(name.into(), Arc::new(policy));
        self
    }

    /// Lets nobody call a handler about which nothing is said: give each a
    /// role, a policy, or say that it is public.
    pub fn deny_by_default(mut self) -> Self {
        self.around.deny_by_default = true;
        self
    }

    /// Checks a command behind the checks of its fields, asking others.
    pub fn guard<C: Command>(mut self, guard: impl Guard<C>) -> Self {
        let guards = self.around.guards.entry(C::NAME).or_default();
        guards.push(Arc::new(Guarding::<C, _>::new(guard)));
        self
    }

    /// Takes down the calls of handlers that are audited. Where it cannot
    /// write, calls go on and an error is logged.
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.around.audit = Some(Audit { sink: Arc::new(sink), fail_closed: false });
        self
    }

    /// As [`audit`](Self::audit), but no handler runs that it cannot take
    /// down: each call is written before its handler runs, and again with its
    /// outcome.
    pub fn audit_or_refuse(mut self, sink: impl AuditSink) -> Self {
        self.around.audit = Some(Audit { sink: Arc::new(sink), fail_closed: true });
        self
    }

    /// Exports what is measured.
    pub fn collector(mut self, collector: impl Collector) -> Self {
        self.around.collector = Some(Arc::new(collector));
        self
    }

    /// Says what becomes of events whose handler fails, of all event handlers
    /// that say nothing themselves.
    pub fn recovery(mut self, table: RecoveryTable) -> Self {
        self.around.listening.recovery = table;
        self
    }

    /// Has the last word about what becomes of the events of one handler.
    pub fn handler_recovery(mut self, name: impl Into<String>, table: RecoveryTable) -> Self {
        self.around.listening.named.insert(name.into(), table);
        self
    }

    /// How often an event is tried before it is parked (default 5), and with
    /// what pauses.
    pub fn event_attempts(mut self, attempts: NonZeroU32, backoff: Backoff) -> Self {
        self.around.listening.tries = Some((attempts.get(), backoff));
        self
    }

    /// Publishes what was stored on this bus, such as
    /// `SyncBus::builder().build()`, in the place of the one that the
    /// configuration describes; the keys of `event_bus` then say nothing. The
    /// application starts and stops it.
    pub fn event_bus(mut self, bus: impl EventBus) -> Self {
        self.around.events = Some(Arc::new(bus));
        self
    }

    /// How long a shutdown waits for what is under way, whatever the
    /// configuration says. Default 10 seconds.
    pub fn grace_period(mut self, grace: Duration) -> Self {
        self.around.grace = Some(grace);
        self
    }

    /// Says which events void which answers of queries that are kept. They do
    /// so once the projections of this process show the event.
    pub fn evict(mut self, event_type: impl Into<Box<str>>, evict: Evict) -> Self {
        let table = std::mem::take(&mut self.around.invalidations);
        self.around.invalidations = table.on(event_type, evict);
        self
    }

    /// Keeps answers outside of the process as well, for several processes.
    /// Whatever happens there, queries are answered.
    pub fn cache_backend(mut self, backend: impl CacheBackend, options: TieredOptions) -> Self {
        let backend = Arc::new(backend);
        self.around.backend = Some(Arc::new(move |local, services| {
            TieredCache::new(local, Arc::clone(&backend), services, options)
        }));
        self
    }

    /// Keeps no figures; no clock is read for them.
    pub fn without_metrics(mut self) -> Self {
        self.around.metrics = false;
        self
    }
}

impl Around {
    /// What the handlers of one application share.
    pub(super) fn policies(&self, services: &Services) -> Policies {
        let config = &self.config;
        let backoff = settled::backoff(&config.retry);
        let budget = Arc::new(RetryBudget::new(settled::budget(&config.retry)));
        let turns = |limit: Limit<usize>| limit.get().map(settled::at_least_one);
        let shared = |limit, queue| {
            Arc::new(Shared::new(turns(limit), queue, Arc::clone(&budget), backoff.clone()))
        };
        let (commands, queries) = (&config.command_bus, &config.query_bus);
        let local = QueryCache::new(settled::answers(queries));
        let answers = match &self.backend {
            None => Answers::Local(local),
            Some(tiered) => Answers::Tiered(tiered(local, services)),
        };
        let fail_closed = config.audit.fail_closed;
        let audit = self
            .audit
            .clone()
            .map(|audit| Audit { fail_closed: audit.fail_closed || fail_closed, ..audit });
        let mut policies = Policies {
            commands: PolicySettings::new(),
            queries: PolicySettings::new(),
            events: PolicySettings::new(),
            configured: HashMap::new(),
            named: self.named.clone(),
            deny_by_default: self.deny_by_default || config.authorization.deny_by_default,
            authenticator: self.authenticator.clone(),
            authorizers: self.authorizers.clone(),
            guards: Mutex::new(self.guards.clone()),
            audit,
            breakers: Arc::new(Breakers::new(settled::breakers(&config.circuit_breaker))),
            of_commands: shared(commands.concurrency, commands.queue),
            of_queries: shared(queries.concurrency, queries.queue),
            of_events: shared(Limit::None, commands.queue),
            warn_after: commands.warn_after,
            rate_keys: config.rate_limit.keys,
            answers,
            cache_ttl: queries.cache_ttl,
            command_queue: commands.queue,
            query_queue: queries.queue,
        };
        self.settle(&mut policies, config);
        policies
    }

    /// Puts into words what a configuration says about handlers.
    pub(super) fn settle(&self, policies: &mut Policies, config: &Config) {
        policies.commands = settled::commands(config).overruled_by(&self.commands);
        policies.queries = settled::queries(config).overruled_by(&self.queries);
        let named = config.handlers.iter();
        policies.configured =
            named.map(|(name, said)| (name.clone(), settled::handler(name, said))).collect();
        policies.warn_after = config.command_bus.warn_after;
        policies.cache_ttl = config.query_bus.cache_ttl;
        policies.command_queue = config.command_bus.queue;
        policies.query_queue = config.query_bus.queue;
    }

    pub(super) fn observers(&self) -> Observers {
        let observers = Observers {
            meters: Meters::default(),
            collector: self.collector.clone(),
            logging: Arc::new(Logging::default()),
        };
        observers.logging.apply(&self.config.logging);
        observers
    }

    /// Whether figures are kept of a kind of messages.
    pub(super) fn measures(&self, kind: MessageKind) -> bool {
        self.metrics
            && match kind {
                MessageKind::Command => self.config.command_bus.enable_metrics,
                MessageKind::Query => self.config.query_bus.enable_metrics,
                MessageKind::Event => true,
            }
    }
}
