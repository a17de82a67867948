//! The policy of one handler, from everything that was said about it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::live::{Live, Switch};
use super::{
    Access, Answers, Audit, Authenticator, Authorizer, ErasedGuard, Guards, PolicySettings,
    RateKey, RateSettings, Setting,
};
use crate::bus::{Context, MessageKind, Target};
use crate::config::WarnAfter;
use crate::resilience::{
    Backoff, Breakers, Bulkhead, CircuitBreaker, Rate, RateLimiter, RetryBudget,
    RetryBudgetSettings,
};

/// What runs around one handler, resolved. What may change while the
/// application runs is changed in place.
pub(crate) struct Policy {
    pub(super) authenticator: Option<Authenticator>,
    pub(super) access: Entry,
    pub(super) guards: Guards,
    cache: Option<Kept>,
    timeout: Live,
    warn_after: Live,
    pub(super) limits: Switch<Limits>,
    pub(super) shared: Arc<Shared>,
    pub(super) retries: AtomicU32,
    conflicts: AtomicU32,
    pub(super) audit: Option<Audit>,
    /// Nothing has to be asked or waited for before the handler runs.
    plain: AtomicBool,
}

/// What the handlers of one bus share.
pub(crate) struct Shared {
    /// Turns on the whole bus.
    pub(super) turns: Switch<Bulkhead>,
    pub(super) budget: Arc<RetryBudget>,
    pub(super) backoff: Mutex<Backoff>,
}

/// What limits the calls of one handler.
#[derive(Clone, Default)]
pub(super) struct Limits {
    pub(super) rate: Option<(Arc<RateLimiter>, RateKey)>,
    pub(super) turns: Option<Arc<Bulkhead>>,
    pub(super) breaker: Option<(Cow<'static, str>, Arc<CircuitBreaker>)>,
}

/// Where the answers of a query are kept, and for how long.
struct Kept {
    answers: Answers,
    ttl: Live,
}

/// Who gets in.
pub(super) enum Entry {
    Open,
    Authenticated,
    Roles(Cow<'static, [Cow<'static, str>]>),
    Policy(Authorizer),
}

/// Stands for a number of conflicts about which nothing is said.
const UNSAID: u32 = u32::MAX;

/// What the handlers of one application share.
pub(crate) struct Policies {
    pub(crate) commands: PolicySettings,
    pub(crate) queries: PolicySettings,
    pub(crate) events: PolicySettings,
    /// What the configuration, and then code, say about single handlers, by
    /// the names of their messages.
    pub(crate) configured: HashMap<String, PolicySettings>,
    pub(crate) named: HashMap<String, PolicySettings>,
    pub(crate) deny_by_default: bool,
    pub(crate) authenticator: Option<Authenticator>,
    pub(crate) authorizers: HashMap<String, Authorizer>,
    pub(crate) guards: Mutex<HashMap<&'static str, Guards>>,
    pub(crate) audit: Option<Audit>,
    pub(crate) breakers: Arc<Breakers>,
    pub(crate) of_commands: Arc<Shared>,
    pub(crate) of_queries: Arc<Shared>,
    pub(crate) of_events: Arc<Shared>,
    pub(crate) warn_after: WarnAfter,
    /// Keys that a rate limiter knows at once.
    pub(crate) rate_keys: usize,
    /// Where the answers of queries are kept.
    pub(crate) answers: Answers,
    /// How long an answer is kept of which nothing else is said.
    pub(crate) cache_ttl: Duration,
    /// Commands and queries that wait behind a concurrency limit of their own.
    pub(crate) command_queue: usize,
    pub(crate) query_queue: usize,
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

impl Shared {
    pub(crate) fn new(
        turns: Option<NonZeroU32>,
        queue: usize,
        budget: Arc<RetryBudget>,
        backoff: Backoff,
    ) -> Self {
        let turns = Switch::new(turns.map(|limit| Bulkhead::new(limit, queue)));
        Self { turns, budget, backoff: Mutex::new(backoff) }
    }

    /// What retries may cost, for all buses.
    pub(crate) fn budget(&self, settings: RetryBudgetSettings) {
        self.budget.configure(settings);
    }

    /// Takes over what has changed.
    pub(crate) fn apply(&self, turns: Option<NonZeroU32>, queue: usize, backoff: Backoff) {
        *self.backoff.lock().expect("nothing panics under the lock") = backoff;
        match (self.turns.get(), turns) {
            (Some(bulkhead), Some(limit)) => {
                bulkhead.set_limit(limit);
                bulkhead.set_queue(queue);
            }
            (before, turns) => {
                self.turns.set(turns.map(|limit| Bulkhead::new(limit, queue)));
                // Nobody waits for a limit that there is no more.
                if let Some(bulkhead) = before {
                    bulkhead.set_limit(NonZeroU32::MAX);
                }
            }
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
        let said = [message, handler].into_iter();
        let named = [&self.configured, &self.named].into_iter();
        let named = named.filter_map(|all| all.get(target.name));
        said.chain(named).fold(bus.clone(), |settings, over| settings.overruled_by(over))
    }

    pub(crate) fn guard(&self, message: &'static str, guard: Arc<dyn ErasedGuard>) {
        let mut guards = self.guards.lock().expect("nothing panics under the lock");
        guards.entry(message).or_default().push(guard);
    }

    /// The messages of guards that no handler has taken along.
    pub(crate) fn unused_guards(&self) -> Vec<String> {
        let guards = self.guards.lock().expect("nothing panics under the lock");
        let mut unused: Vec<_> = guards.keys().map(|name| (*name).to_owned()).collect();
        unused.sort();
        unused
    }

    pub(crate) fn resolve(
        &self,
        target: &Target,
        settings: PolicySettings,
    ) -> Result<Policy, Missing> {
        let guards = self.guards.lock().expect("nothing panics under the lock").remove(target.name);
        let audit = match settings.audit {
            Setting::Is(()) => Some(self.audit.clone().ok_or(Missing::Audit)?),
            _ => None,
        };
        let shared = match target.kind {
            MessageKind::Command => &self.of_commands,
            MessageKind::Query => &self.of_queries,
            MessageKind::Event => &self.of_events,
        };
        let kept = settings.cache.value();
        let policy = Policy {
            authenticator: self.authenticator.clone(),
            access: self.entry(target, settings.access.clone())?,
            guards: guards.unwrap_or_default(),
            cache: kept.map(|_| Kept { answers: self.answers.clone(), ttl: Live::new(None) }),
            timeout: Live::new(None),
            warn_after: Live::new(None),
            limits: Switch::new(None),
            shared: Arc::clone(shared),
            retries: AtomicU32::new(0),
            conflicts: AtomicU32::new(UNSAID),
            audit,
            plain: AtomicBool::new(false),
        };
        self.apply(target, &policy, settings, Duration::ZERO);
        Ok(policy)
    }

    /// Takes over what is said about a handler now, as far as it may change
    /// while calls go through it.
    pub(crate) fn apply(
        &self,
        target: &Target,
        policy: &Policy,
        settings: PolicySettings,
        now: Duration,
    ) {
        let PolicySettings { timeout, retries, conflicts, cache, .. } = &settings;
        let timeout = timeout.value();
        policy.timeout.set(timeout);
        policy.warn_after.set(timeout.map(|limit| self.warn_after.of(limit)));
        policy.retries.store(retries.value().unwrap_or(0), Ordering::Relaxed);
        let conflicts = match conflicts {
            Setting::Unsaid => UNSAID,
            Setting::Off => 0,
            Setting::Is(count) => *count,
        };
        policy.conflicts.store(conflicts, Ordering::Relaxed);
        if let Some(kept) = &policy.cache {
            kept.ttl.set(Some(cache.value().flatten().unwrap_or(self.cache_ttl)));
        }
        let before = policy.limits.get();
        let limits = self.limits(target, before.as_deref(), settings, now);
        let any = limits.rate.is_some() || limits.turns.is_some() || limits.breaker.is_some();
        policy.limits.set(any.then_some(limits));
        policy.plain.store(policy.is_free(), Ordering::Relaxed);
    }

    fn limits(
        &self,
        target: &Target,
        before: Option<&Limits>,
        settings: PolicySettings,
        now: Duration,
    ) -> Limits {
        let queue = match target.kind {
            MessageKind::Query => self.query_queue,
            MessageKind::Command | MessageKind::Event => self.command_queue,
        };
        let before = before.cloned().unwrap_or_default();
        let rate = settings.rate.value().map(|said: RateSettings| {
            let rate = Rate::new(said.limit, said.per).burst(said.burst);
            let limiter = match before.rate {
                Some((limiter, _)) => {
                    limiter.set_rate(rate, now);
                    limiter
                }
                None => Arc::new(RateLimiter::new(rate, self.rate_keys)),
            };
            (limiter, said.key)
        });
        let turns = match (before.turns, settings.concurrency.value()) {
            (Some(bulkhead), Some(limit)) => {
                bulkhead.set_limit(limit);
                bulkhead.set_queue(queue);
                Some(bulkhead)
            }
            (Some(bulkhead), None) => {
                bulkhead.set_limit(NonZeroU32::MAX);
                None
            }
            (None, limit) => limit.map(|limit| Arc::new(Bulkhead::new(limit, queue))),
        };
        let breaker = settings.breaker.value().map(|name| {
            let breaker = self.breakers.get(&name);
            (name, breaker)
        });
        Limits { rate, turns, breaker }
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
        let limits = self.limits.get();
        let turns = limits.as_ref().and_then(|limits| limits.turns.as_ref());
        turns.map_or(1, |bulkhead| bulkhead.statistics().limit as usize)
    }

    /// How long the handler may take, and when to warn of it.
    #[inline]
    pub(crate) fn time(&self) -> (Option<Duration>, Option<Duration>) {
        (self.timeout.get(), self.warn_after.get())
    }

    /// How often a command is decided again, if that is said.
    pub(super) fn conflicts(&self) -> Option<u32> {
        Some(self.conflicts.load(Ordering::Relaxed)).filter(|count| *count != UNSAID)
    }

    /// Where the answers are kept, and for how long if that is said.
    pub(super) fn kept(&self) -> Option<(&Answers, Option<Duration>)> {
        self.cache.as_ref().map(|kept| (&kept.answers, kept.ttl.get()))
    }

    /// Whether nothing has to be asked or waited for before the handler runs.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Relaxed) && !self.shared.turns.is_on()
    }

    /// Whether nothing has to be asked before an answer that is kept.
    pub(super) fn only_keeps(&self) -> bool {
        self.authenticator.is_none()
            && self.limits.get().is_none_or(|limits| limits.rate.is_none())
            && matches!(self.access, Entry::Open)
            && self.guards.is_empty()
            && self.audit.is_none()
    }

    /// Whether nobody has to be asked about a call, and nothing is kept of it.
    pub(super) fn asks_nobody(&self, ctx: &Context) -> bool {
        (self.authenticator.is_none() || ctx.principal().is_some())
            && !matches!(self.access, Entry::Policy(_))
            && self.guards.is_empty()
            && self.audit.is_none()
            && self.cache.is_none()
    }

    fn is_free(&self) -> bool {
        self.only_keeps()
            && !self.limits.is_on()
            && self.cache.is_none()
            && self.retries.load(Ordering::Relaxed) == 0
            && self.conflicts().is_none()
    }
}
