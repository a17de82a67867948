//! What of an application changes while it runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::around::Around;
use super::feed::Feed;
use super::settled;
use super::wiring::Resolved;
use crate::bus::Handlers;
use crate::cache::Invalidations;
use crate::config::{Changes, Config, ConfigError, ConfigWatch, LiveConfig};
use crate::policy::{Answers, HandlerMetrics, Observers, Policies};
use crate::resilience::Breakers;

/// The configuration of an application, and everything that follows it.
pub(crate) struct Live {
    config: LiveConfig,
    around: Around,
    breakers: Arc<Breakers>,
    answers: Answers,
    observers: Observers,
    resolved: Vec<Resolved>,
    policies: Mutex<Policies>,
}

impl Live {
    pub(super) fn new(
        around: Around,
        policies: Policies,
        resolved: Vec<Resolved>,
        observers: Observers,
    ) -> Self {
        let config = LiveConfig::new(around.config.clone());
        let config = config.expect("the configuration was checked before");
        let (breakers, answers) = (Arc::clone(&policies.breakers), policies.answers.clone());
        let policies = Mutex::new(policies);
        Self { config, around, breakers, answers, observers, resolved, policies }
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// How long a chain of messages may be that lead to one another.
    pub(crate) fn max_depth(&self) -> u32 {
        self.config.current().command_bus.max_depth
    }

    pub(crate) fn watch(&self) -> ConfigWatch {
        self.config.subscribe()
    }

    pub(crate) fn meters(&self) -> Vec<HandlerMetrics> {
        self.observers.meters.read()
    }

    pub(crate) fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    pub(crate) fn invalidations(&self) -> &Invalidations {
        &self.around.invalidations
    }

    /// Takes a configuration over, as a whole or not at all.
    pub(crate) fn change(
        &self,
        config: Config,
        now: Duration,
        handlers: &Handlers,
        feed: &Feed,
    ) -> Result<Changes, ConfigError> {
        // One change at a time: the lock holds what follows from the last one.
        let mut policies = self.policies.lock().expect("nothing panics under the lock");
        let names = handlers.names();
        let events = handlers.event_handlers.iter().copied();
        config.check_names(names.iter().copied(), events)?;
        let changes = self.config.update(config.clone())?;
        self.around.settle(&mut policies, &config);
        self.breakers.configure_all(settled::breakers(&config.circuit_breaker));
        let backoff = settled::backoff(&config.retry);
        let turns = |limit: crate::config::Limit<usize>| limit.get().map(settled::at_least_one);
        let (commands, queries) = (&config.command_bus, &config.query_bus);
        policies.of_commands.apply(turns(commands.concurrency), commands.queue, backoff.clone());
        policies.of_queries.apply(turns(queries.concurrency), queries.queue, backoff);
        policies.of_commands.budget(settled::budget(&config.retry));
        feed.apply(&config);
        self.observers.logging.apply(&config.logging);
        for (target, said, policy) in &self.resolved {
            let settings = policies.settings(target, said, &crate::policy::PolicySettings::new());
            policies.apply(policy, settings, now);
        }
        Ok(changes)
    }
}
