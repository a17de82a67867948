//! What is said about the policies of a handler, and who has the last word.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

/// What is said about one policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting<T> {
    /// Nothing: whoever spoke before is right.
    #[default]
    Unsaid,
    /// It does not apply.
    Off,
    /// This.
    Is(T),
}

impl<T> Setting<T> {
    /// What counts, if somebody later says `over`.
    #[must_use]
    pub fn or_else(self, over: Self) -> Self {
        match over {
            Self::Unsaid => self,
            said => said,
        }
    }

    /// The value, if the policy applies.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unsaid | Self::Off => None,
        }
    }

    /// Whether anything is said.
    #[must_use]
    pub const fn is_said(&self) -> bool {
        !matches!(self, Self::Unsaid)
    }
}

/// What is said about the policies of a handler: by its bus, by the attributes
/// of its message and of itself, by the configuration, by code. Each of these
/// overrules those before it, policy by policy.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::policy::{PolicySettings, Setting};
///
/// let bus = PolicySettings::new().timeout(Duration::from_secs(30)).breaker("ledger");
/// let handler = PolicySettings::new().timeout(Duration::from_secs(2));
/// let both = bus.overruled_by(&handler);
/// assert_eq!(both, PolicySettings::new().timeout(Duration::from_secs(2)).breaker("ledger"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct PolicySettings {
    #[doc(hidden)]
    pub timeout: Setting<Duration>,
    #[doc(hidden)]
    pub retries: Setting<u32>,
    #[doc(hidden)]
    pub conflicts: Setting<u32>,
    #[doc(hidden)]
    pub rate: Setting<RateSettings>,
    #[doc(hidden)]
    pub access: Setting<Access>,
    #[doc(hidden)]
    pub breaker: Setting<Cow<'static, str>>,
    #[doc(hidden)]
    pub concurrency: Setting<NonZeroU32>,
    #[doc(hidden)]
    pub cache: Setting<Option<Duration>>,
    #[doc(hidden)]
    pub audit: Setting<()>,
}

/// Who may call a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody, known or not.
    Public,
    /// Everybody who is known.
    Authenticated,
    /// Whoever has one of these roles.
    Roles(Cow<'static, [Cow<'static, str>]>),
    /// Whoever the policy of this name lets in; see
    /// [`AppBuilder::access_policy`](crate::app::AppBuilder::access_policy).
    Policy(Cow<'static, str>),
}

/// How many calls in what time, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateSettings {
    /// So many calls
    pub limit: NonZeroU32,
    /// in such a time,
    pub per: Duration,
    /// so many of them at once.
    pub burst: NonZeroU32,
    /// What is counted together.
    pub key: RateKey,
}

impl RateSettings {
    /// So many calls in such a time, all of which may come at once.
    #[must_use]
    pub const fn new(limit: NonZeroU32, per: Duration) -> Self {
        Self { limit, per, burst: limit, key: RateKey::Caller }
    }

    /// So many calls at once.
    #[must_use]
    pub const fn burst(self, burst: NonZeroU32) -> Self {
        Self { burst, ..self }
    }

    /// What is counted together.
    #[must_use]
    pub const fn key(self, key: RateKey) -> Self {
        Self { key, ..self }
    }
}

/// Which calls of one handler a rate counts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateKey {
    /// Those of one caller in one tenant; all unknown callers are one.
    #[default]
    Caller,
    /// Those of one tenant.
    Tenant,
    /// All.
    Handler,
}

impl PolicySettings {
    /// Nothing is said.
    pub const NONE: &'static Self = &Self::new();

    /// Nothing is said.
    pub const fn new() -> Self {
        Self {
            timeout: Setting::Unsaid,
            retries: Setting::Unsaid,
            conflicts: Setting::Unsaid,
            rate: Setting::Unsaid,
            access: Setting::Unsaid,
            breaker: Setting::Unsaid,
            concurrency: Setting::Unsaid,
            cache: Setting::Unsaid,
            audit: Setting::Unsaid,
        }
    }

    /// What counts if `over` has the last word.
    pub fn overruled_by(self, over: &Self) -> Self {
        let over = over.clone();
        Self {
            timeout: self.timeout.or_else(over.timeout),
            retries: self.retries.or_else(over.retries),
            conflicts: self.conflicts.or_else(over.conflicts),
            rate: self.rate.or_else(over.rate),
            access: self.access.or_else(over.access),
            breaker: self.breaker.or_else(over.breaker),
            concurrency: self.concurrency.or_else(over.concurrency),
            cache: self.cache.or_else(over.cache),
            audit: self.audit.or_else(over.audit),
        }
    }
}

macro_rules! said {
    ($($(#[$doc:meta])* $name:ident / $off:ident: $field:ident($($arg:ident: $ty:ty)?) = $value:expr;)*) => {
        impl PolicySettings {$(
            $(#[$doc])*
            pub fn $name(self $(, $arg: $ty)?) -> Self {
                Self { $field: Setting::Is($value), ..self }
            }

            #[doc = concat!("The opposite of [`", stringify!($name), "`](Self::", stringify!($name), ").")]
            pub fn $off(self) -> Self {
                Self { $field: Setting::Off, ..self }
            }
        )*}
    };
}

said! {
    /// The handler is given up after so long. By default 30 seconds.
    timeout / no_timeout: timeout(limit: Duration) = limit;
    /// The handler runs again, up to so many times, after errors that may go
    /// away by themselves. By default never for commands, 3 times for queries.
    retries / no_retries: retries(count: u32) = count;
    /// A command is decided again, up to so many times, after it has lost
    /// against another writer. By default 10.
    conflict_retries / no_conflict_retries: conflicts(count: u32) = count;
    /// More calls than that are refused. By default none is.
    rate_limit / no_rate_limit: rate(rate: RateSettings) = rate;
    /// Who may call. By default everybody, or nobody where access is denied
    /// by default.
    access / no_access_control: access(access: Access) = access;
    /// Calls go through the breaker of that dependency. By default none.
    breaker / no_breaker: breaker(name: impl Into<Cow<'static, str>>) = name.into();
    /// So many calls run at once. By default any number.
    concurrency / no_concurrency_limit: concurrency(limit: NonZeroU32) = limit;
    /// Answers of a query are kept for so long, if `#[query(cache)]` says that
    /// they can be. By default they are not.
    cache / no_cache: cache(ttl: Duration) = Some(ttl);
    /// Each call is recorded. By default none is.
    audit / no_audit: audit() = ();
}
