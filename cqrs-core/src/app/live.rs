//! What of an application changes while it runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::around::Around;
use super::feed::Feed;
use super::listening::Paced;
use super::settled;
use super::wiring::Resolved;
use crate::aggregate::{LiveRetryLimit, RetryLimit};
use crate::bus::Handlers;
use crate::cache::Invalidations;
use crate::config::{Changes, Config, ConfigError, ConfigWatch, Limit, LiveConfig};
use crate::policy::{Answers, HandlerMetrics, Observers, Policies, PolicySettings};
use crate::resilience::Breakers;

/// The configuration of an application, and everything that follows it.
pub(crate) struct Live {
    config: LiveConfig,
    around: Around,
    breakers: Arc<Breakers>,
    answers: Answers,
    observers: Observers,
    /// One change at a time: the lock holds what follows from the last one.
    changing: Mutex<Changing>,
}

/// What a change is brought to.
pub(super) struct Changing {
    pub(super) policies: Policies,
    pub(super) resolved: Vec<Resolved>,
    pub(super) paces: Vec<Paced>,
    /// Unless code has said how often commands are decided again.
    pub(super) conflicts: Option<LiveRetryLimit>,
}

impl Live {
    pub(super) fn new(around: Around, changing: Changing, observers: Observers) -> Self {
        let config = LiveConfig::new(around.config.clone());
        let config = config.expect("the configuration was checked before");
        let policies = &changing.policies;
        let (breakers, answers) = (Arc::clone(&policies.breakers), policies.answers.clone());
        let changing = Mutex::new(changing);
        Self { config, around, breakers, answers, observers, changing }
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// How long a chain of messages may be that lead to one another.
    pub(crate) fn max_depth(&self) -> u32 {
        self.config.current().command_bus.max_depth
    }

    /// How long a shutdown waits for what is under way.
    pub(crate) fn grace(&self) -> Duration {
        self.around.grace.unwrap_or(self.config.current().shutdown.grace)
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
        let mut changing = self.changing.lock().expect("nothing panics under the lock");
        let events = handlers.event_handlers.iter().copied();
        config.check_names(handlers.messages(), events)?;
        let changes = self.config.update(config.clone())?;
        self.breakers.configure_all(settled::breakers(&config.circuit_breaker));
        feed.apply(&config);
        self.observers.logging.apply(&config.logging);
        changing.apply(&config, &self.around, now);
        Ok(changes)
    }
}

impl Changing {
    fn apply(&mut self, config: &Config, around: &Around, now: Duration) {
        let Self { policies, resolved, paces, conflicts } = self;
        around.settle(policies, config);
        let turns = |limit: Limit<usize>| limit.get().map(settled::at_least_one);
        let (commands, queries) = (&config.command_bus, &config.query_bus);
        let backoff = settled::backoff(&config.retry);
        policies.of_commands.apply(turns(commands.concurrency), commands.queue, backoff.clone());
        policies.of_queries.apply(turns(queries.concurrency), queries.queue, backoff.clone());
        policies.of_events.apply(None, commands.queue, backoff);
        policies.of_commands.budget(settled::budget(&config.retry));
        for (target, said, policy) in resolved {
            let settings = policies.settings(target, said, PolicySettings::NONE);
            policies.apply(target, policy, settings, now);
        }
        for (settings, pace) in paces {
            pace.set(around.listening.steps(settings, config));
        }
        if let Some(conflicts) = conflicts {
            conflicts.set(RetryLimit(config.retry.conflicts));
        }
    }
}
