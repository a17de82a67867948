//! How many retries there may be at all.
//!
//! When a dependency fails, everybody who retries makes it worse: three tries
//! a call are three times the load. A budget ties retries to first calls, as
//! Finagle's `RetryBudget` and tower's `TpsBudget` do: each first call earns a
//! part of a retry, each retry costs one, and a few a second are free, so that
//! who seldom calls may retry at all. Those two let savings expire after some
//! seconds; here they are bounded instead, which says the same with one word of
//! memory: after a quiet night no more than the bound can be spent at once.
//!
//! Balance and time stand in one atomic word. So no two retries are paid with
//! the same savings, and nobody waits for anybody.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sync::{AtomicU64, Ordering};

/// What one retry costs. A free retry a second is then one unit a
/// millisecond, and no division leaves a rest.
const RETRY: u64 = 1_000;

/// Bits of the balance in the word; the others are milliseconds, enough for 34
/// years.
const BALANCE_BITS: u32 = 24;
const MAX_BALANCE: u64 = (1 << BALANCE_BITS) - 1;
const MAX_MILLIS: u64 = u64::MAX >> BALANCE_BITS;

/// The retries that all calls of an application share. Starts with its savings
/// full.
#[derive(Debug)]
pub struct RetryBudget {
    balance: AtomicU64,
    deposit: AtomicU64,
    per_milli: AtomicU64,
    cap: AtomicU64,
}

/// What a [`RetryBudget`] earns and saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryBudgetSettings {
    /// Retries for a hundred first calls; 20 by default.
    pub percent: u32,
    /// Retries a second that need no first call; 10 by default.
    pub min_per_second: u32,
    /// The most retries that are saved up; 100 by default, at most 16,777.
    /// With 0 there are none at all.
    pub savings: u32,
}

impl Default for RetryBudgetSettings {
    fn default() -> Self {
        Self { percent: 20, min_per_second: 10, savings: 100 }
    }
}

impl RetryBudget {
    /// A budget with full savings.
    #[must_use]
    pub fn new(settings: RetryBudgetSettings) -> Self {
        let budget = Self {
            balance: AtomicU64::new(0),
            deposit: AtomicU64::new(0),
            per_milli: AtomicU64::new(0),
            cap: AtomicU64::new(0),
        };
        budget.configure(settings);
        budget.balance.store(budget.cap.load(Ordering::Relaxed), Ordering::Relaxed);
        budget
    }

    /// Notes a first call.
    pub fn deposit(&self, now: Duration) {
        let (deposit, cap) =
            (self.deposit.load(Ordering::Relaxed), self.cap.load(Ordering::Relaxed));
        self.change(now, |balance| Some(balance.saturating_add(deposit).min(cap)));
    }

    /// Takes one retry; `false` if there is none left, and the call has to end
    /// with the error that it has.
    #[must_use = "without a retry in the budget there must be none"]
    pub fn withdraw(&self, now: Duration) -> bool {
        self.change(now, |balance| balance.checked_sub(RETRY))
    }

    /// How many retries may be made now.
    #[must_use]
    pub fn available(&self, now: Duration) -> u32 {
        let (balance, _) = self.refilled(self.balance.load(Ordering::Relaxed), now);
        u32::try_from(balance / RETRY).unwrap_or(u32::MAX)
    }

    /// Earns and saves by other numbers from now on. What was saved above the
    /// new bound is lost.
    pub fn configure(&self, settings: RetryBudgetSettings) {
        let cap = (u64::from(settings.savings) * RETRY).min(MAX_BALANCE / RETRY * RETRY);
        self.deposit.store(u64::from(settings.percent) * RETRY / 100, Ordering::Relaxed);
        self.per_milli.store(u64::from(settings.min_per_second), Ordering::Relaxed);
        self.cap.store(cap, Ordering::Relaxed);
    }

    /// Changes the balance, unless the change is none.
    fn change(&self, now: Duration, change: impl Fn(u64) -> Option<u64>) -> bool {
        let changed = |word| {
            let (balance, millis) = self.refilled(word, now);
            Some(change(balance)? | millis << BALANCE_BITS)
        };
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed).is_ok()
    }

    /// Balance and time with what has come in since.
    fn refilled(&self, word: u64, now: Duration) -> (u64, u64) {
        let (balance, before) = (word & MAX_BALANCE, word >> BALANCE_BITS);
        let millis = u64::try_from(now.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS);
        let millis = millis.max(before);
        let free = self.per_milli.load(Ordering::Relaxed).saturating_mul(millis - before);
        (balance.saturating_add(free).min(self.cap.load(Ordering::Relaxed)), millis)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(RetryBudgetSettings::default())
    }
}
