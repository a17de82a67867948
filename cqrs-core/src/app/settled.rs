//! What the configuration says, in the words of the parts that it configures.

use std::num::NonZeroU32;

use crate::cache::{CacheOptions, Capacity, Eviction};
use crate::config::{self, Config, Limit};
use crate::policy::{PolicySettings, RateSettings};
use crate::resilience::{Backoff, BreakerSettings, Jitter, RetryBudgetSettings};

/// What all commands are told, before anybody else says something.
pub(super) fn commands(config: &Config) -> PolicySettings {
    let bus = &config.command_bus;
    let mut all = PolicySettings::new().timeout(bus.timeout);
    if let Some(rate) = config.rate_limit.rate.get() {
        all = all.rate_limit(rate_settings(rate));
    }
    if config.audit.enabled { all.audit() } else { all }
}

/// As [`commands`], for queries.
pub(super) fn queries(config: &Config) -> PolicySettings {
    let bus = &config.query_bus;
    let mut all = PolicySettings::new().timeout(bus.timeout).retries(bus.max_retries);
    if let Some(rate) = config.rate_limit.rate.get() {
        all = all.rate_limit(rate_settings(rate));
    }
    if config.audit.enabled { all.audit() } else { all }
}

/// What is said about the handler of one message.
pub(super) fn handler(name: &str, config: &config::Handler) -> PolicySettings {
    let mut all = PolicySettings::new();
    if let Some(limit) = config.timeout {
        all = all.timeout(limit);
    }
    all = match config.concurrency {
        None => all,
        Some(Limit::None) => all.no_concurrency_limit(),
        Some(Limit::Of(limit)) => all.concurrency(at_least_one(limit)),
    };
    all = match config.rate_limit {
        None => all,
        Some(Limit::None) => all.no_rate_limit(),
        Some(Limit::Of(rate)) => all.rate_limit(rate_settings(rate)),
    };
    if let Some(count) = config.retry {
        all = all.retries(count);
    }
    if let Some(ttl) = config.cache_ttl {
        all = all.cache(ttl);
    }
    match config.breaker {
        None => all,
        Some(false) => all.no_breaker(),
        Some(true) => all.breaker(name.to_owned()),
    }
}

fn rate_settings(rate: config::Rate) -> RateSettings {
    let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    RateSettings::new(number(rate.calls()), rate.per()).burst(number(rate.burst()))
}

pub(super) fn at_least_one(limit: usize) -> NonZeroU32 {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)
}

pub(super) fn breakers(config: &config::CircuitBreaker) -> BreakerSettings {
    let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    BreakerSettings {
        failure_threshold: number(config.failure_threshold),
        window: config.window,
        timeout: config.timeout,
        probes: number(config.probes),
    }
}

pub(super) fn backoff(config: &config::Retry) -> Backoff {
    let jitter = match config.jitter {
        config::Jitter::Full => Jitter::Full,
        config::Jitter::None => Jitter::None,
        config::Jitter::Equal => Jitter::Equal,
    };
    Backoff::new(config.base, config.cap).with_factor(config.factor).with_jitter(jitter)
}

pub(super) fn budget(config: &config::Retry) -> RetryBudgetSettings {
    let percent = config.budget;
    if percent == 0 {
        return RetryBudgetSettings { percent, min_per_second: 0, savings: 0 };
    }
    RetryBudgetSettings { percent, ..RetryBudgetSettings::default() }
}

pub(super) fn answers(config: &config::QueryBus) -> CacheOptions {
    let eviction = match config.cache_eviction {
        config::Eviction::Lru => Eviction::Lru,
        config::Eviction::Adaptive => Eviction::Adaptive,
        config::Eviction::Recent => Eviction::Recent,
    };
    let capacity = Capacity::entries(config.cache_capacity);
    CacheOptions::new().capacity(capacity).ttl(config.cache_ttl).eviction(eviction)
}
