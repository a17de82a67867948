//! What stands around the handlers of an application, said to its builder.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::AppBuilder;
use super::listening::Listening;
use crate::bus::{Middleware, Middlewares, Scope, Target};
use crate::command::Command;
use crate::policy::{
    Audit, AuditSink, Authenticate, Authenticator, Authorize, Authorizer, Collector, Guard,
    Guarding, Guards, Logging, Meters, Observers, Policies, PolicySettings,
};
use crate::resilience::{Backoff, BreakerSettings, Breakers, RetryBudget};
use crate::subscription::RecoveryTable;

/// What was said to a builder about the surroundings of its handlers.
pub(super) struct Around {
    pub(super) middlewares: Middlewares,
    pub(super) commands: PolicySettings,
    pub(super) queries: PolicySettings,
    pub(super) events: PolicySettings,
    pub(super) named: HashMap<String, PolicySettings>,
    pub(super) deny_by_default: bool,
    authenticator: Option<Authenticator>,
    authorizers: HashMap<String, Authorizer>,
    guards: HashMap<&'static str, Guards>,
    audit: Option<Audit>,
    pub(super) collector: Option<Arc<dyn Collector>>,
    pub(super) metrics: bool,
    pub(super) listening: Listening,
    pub(super) grace: Duration,
}

impl Default for Around {
    fn default() -> Self {
        let all = PolicySettings::new().timeout(Duration::from_secs(30));
        Self {
            middlewares: Middlewares::default(),
            commands: all.clone(),
            queries: all.retries(3),
            events: PolicySettings::new(),
            named: HashMap::new(),
            deny_by_default: false,
            authenticator: None,
            authorizers: HashMap::new(),
            guards: HashMap::new(),
            audit: None,
            collector: None,
            metrics: true,
            listening: Listening::default(),
            grace: Duration::from_secs(10),
        }
    }
}

impl<S> AppBuilder<S> {
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
        self.around.commands = self.around.commands.overruled_by(&settings);
        self
    }

    /// Says something about the policies of all queries.
    pub fn queries(mut self, settings: PolicySettings) -> Self {
        self.around.queries = self.around.queries.overruled_by(&settings);
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
        (self.around.listening.attempts, self.around.listening.backoff) = (attempts.get(), backoff);
        self
    }

    /// How long a shutdown waits for what is under way. Default 10 seconds.
    pub fn grace_period(mut self, grace: Duration) -> Self {
        self.around.grace = grace;
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
    pub(super) fn policies(&self) -> Policies {
        Policies {
            commands: self.commands.clone(),
            queries: self.queries.clone(),
            events: self.events.clone(),
            named: self.named.clone(),
            deny_by_default: self.deny_by_default,
            authenticator: self.authenticator.clone(),
            authorizers: self.authorizers.clone(),
            guards: Mutex::new(self.guards.clone()),
            audit: self.audit.clone(),
            breakers: Arc::new(Breakers::new(BreakerSettings::default())),
            budget: Arc::new(RetryBudget::default()),
            backoff: Backoff::default(),
            warn_after_percent: 80,
            rate_keys: 65_536,
            queue: 1_024,
        }
    }

    pub(super) fn observers(&self) -> Observers {
        Observers {
            meters: Meters::default(),
            collector: self.collector.clone(),
            logging: Arc::new(Logging::default()),
        }
    }
}
