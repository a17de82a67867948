//! The policy of one handler, from everything that was said about it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Access, Audit, Authenticator, Authorizer, Guards, PolicySettings, RateKey, Setting};
use crate::bus::{MessageKind, Target};
use crate::resilience::{
    Backoff, Breakers, Bulkhead, CircuitBreaker, Rate, RateLimiter, RetryBudget,
};

/// What runs around one handler, resolved.
pub(crate) struct Policy {
    pub(super) authenticator: Option<Authenticator>,
    pub(super) rate: Option<(Arc<RateLimiter>, RateKey)>,
    pub(super) access: Entry,
    pub(super) guards: Guards,
    pub(super) cache: Option<Live>,
    pub(super) timeout: Live,
    pub(super) warn_after: Live,
    pub(super) bulkhead: Option<Arc<Bulkhead>>,
    pub(super) breaker: Option<(Cow<'static, str>, Arc<CircuitBreaker>)>,
    pub(super) retries: AtomicU32,
    pub(super) backoff: Backoff,
    pub(super) budget: Arc<RetryBudget>,
    pub(super) conflicts: Option<u32>,
    pub(super) audit: Option<Audit>,
}

/// Who gets in.
pub(super) enum Entry {
    Open,
    Authenticated,
    Roles(Cow<'static, [Cow<'static, str>]>),
    Policy(Authorizer),
}

/// A duration that can be changed while calls read it; zero stands for none.
pub(crate) struct Live(AtomicU64);

impl Live {
    pub(crate) fn new(value: Option<Duration>) -> Self {
        let live = Self(AtomicU64::new(0));
        live.set(value);
        live
    }

    pub(crate) fn set(&self, value: Option<Duration>) {
        let nanos = value.map_or(0, |value| u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
        self.0.store(nanos, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// What the handlers of one application share.
pub(crate) struct Policies {
    pub(crate) commands: PolicySettings,
    pub(crate) queries: PolicySettings,
    pub(crate) events: PolicySettings,
    /// What the configuration and code say about single handlers, by the
    /// names of their messages.
    pub(crate) named: HashMap<String, PolicySettings>,
    pub(crate) deny_by_default: bool,
    pub(crate) authenticator: Option<Authenticator>,
    pub(crate) authorizers: HashMap<String, Authorizer>,
    pub(crate) guards: Mutex<HashMap<&'static str, Guards>>,
    pub(crate) audit: Option<Audit>,
    pub(crate) breakers: Arc<Breakers>,
    pub(crate) budget: Arc<RetryBudget>,
    pub(crate) backoff: Backoff,
    /// Part of the timeout after which a warning is logged, in percent.
    pub(crate) warn_after_percent: u32,
    /// Keys that a rate limiter knows at once.
    pub(crate) rate_keys: usize,
    /// Calls that wait behind a concurrency limit.
    pub(crate) queue: usize,
}

/// What a policy needs and nobody has given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Missing {
    /// An access policy, by its name.
    AccessPolicy(String),
    /// A sink of the audit.
    Audit,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessPolicy(name) => {
                write!(f, "the access policy `{name}`: give it by `.access_policy(\"{name}\", ..)`")
            }
            Self::Audit => f.write_str("an audit: give one by `.audit(..)`"),
        }
    }
}

impl Policies {
    /// Everything that is said about a handler, the last word last.
    pub(crate) fn settings(
        &self,
        target: &Target,
        message: &PolicySettings,
        handler: &PolicySettings,
    ) -> PolicySettings {
        let bus = match target.kind {
            MessageKind::Command => &self.commands,
            MessageKind::Query => &self.queries,
            MessageKind::Event => &self.events,
        };
        let settings = bus.clone().overruled_by(message).overruled_by(handler);
        match self.named.get(target.name) {
            Some(named) => settings.overruled_by(named),
            None => settings,
        }
    }

    pub(crate) fn resolve(
        &self,
        target: &Target,
        settings: PolicySettings,
    ) -> Result<Policy, Missing> {
        let PolicySettings {
            timeout,
            retries,
            conflicts,
            rate,
            access,
            breaker,
            concurrency,
            cache,
            audit,
        } = settings;
        let limiter = |rate: super::RateSettings| {
            let key = rate.key;
            let rate = Rate::new(rate.limit, rate.per).burst(rate.burst);
            (Arc::new(RateLimiter::new(rate, self.rate_keys)), key)
        };
        let guards = self.guards.lock().expect("nothing panics under the lock").remove(target.name);
        let timeout = timeout.value();
        let audit = match audit {
            Setting::Is(()) => Some(self.audit.clone().ok_or(Missing::Audit)?),
            _ => None,
        };
        Ok(Policy {
            authenticator: self.authenticator.clone(),
            rate: rate.value().map(limiter),
            access: self.entry(target, access)?,
            guards: guards.unwrap_or_default(),
            cache: cache.value().map(|ttl| Live::new(Some(ttl))),
            timeout: Live::new(timeout),
            warn_after: Live::new(timeout.map(|limit| self.warn_after(limit))),
            bulkhead: concurrency.value().map(|limit| Arc::new(Bulkhead::new(limit, self.queue))),
            breaker: breaker.value().map(|name| {
                let breaker = self.breakers.get(&name);
                (name, breaker)
            }),
            retries: AtomicU32::new(retries.value().unwrap_or(0)),
            backoff: self.backoff.clone(),
            budget: Arc::clone(&self.budget),
            conflicts: match conflicts {
                Setting::Unsaid => None,
                Setting::Off => Some(0),
                Setting::Is(count) => Some(count),
            },
            audit,
        })
    }

    pub(crate) fn warn_after(&self, limit: Duration) -> Duration {
        limit.mul_f64(f64::from(self.warn_after_percent) / 100.0)
    }

    fn entry(&self, target: &Target, access: Setting<Access>) -> Result<Entry, Missing> {
        Ok(match access {
            Setting::Is(Access::Public) | Setting::Off => Entry::Open,
            Setting::Is(Access::Authenticated) => Entry::Authenticated,
            Setting::Is(Access::Roles(roles)) => Entry::Roles(roles),
            Setting::Is(Access::Policy(name)) => {
                let found = self.authorizers.get(&*name).cloned();
                let found = found.ok_or_else(|| Missing::AccessPolicy(name.into_owned()))?;
                Entry::Policy(found)
            }
            // Events come from the log, not from a caller.
            Setting::Unsaid if self.deny_by_default && target.kind != MessageKind::Event => {
                Entry::Roles(Cow::Borrowed(&[]))
            }
            Setting::Unsaid => Entry::Open,
        })
    }
}

impl Policy {
    /// How many calls run at once: of an event handler, its lanes.
    pub(crate) fn lanes(&self) -> usize {
        self.bulkhead.as_ref().map_or(1, |bulkhead| bulkhead.statistics().limit as usize)
    }

    /// How long the handler may take, and when to warn of it.
    pub(crate) fn time(&self) -> (Option<Duration>, Option<Duration>) {
        (self.timeout.get(), self.warn_after.get())
    }

    /// Whether nothing has to be asked or waited for before the handler runs.
    pub(super) fn is_plain(&self) -> bool {
        self.authenticator.is_none()
            && self.rate.is_none()
            && matches!(self.access, Entry::Open)
            && self.guards.is_empty()
            && self.cache.is_none()
            && self.bulkhead.is_none()
            && self.breaker.is_none()
            && self.retries.load(Ordering::Relaxed) == 0
            && self.audit.is_none()
    }
}
