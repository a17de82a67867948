//! How long to wait before a call is made again.
//!
//! Delays grow by a factor and are spread by chance: callers that failed
//! together do not come back together. Full jitter, the default, takes any
//! delay up to the one that is due; of the usual ways it does with the fewest
//! calls (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
//! 2015).

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::runtime::Random;

/// Delays that grow from try to try: `base`, `base × factor`,
/// `base × factor²`, and so on, never above `cap`.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::resilience::{Backoff, Jitter};
/// use cqrs_core::runtime::SystemRandom;
///
/// let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(60));
/// let random = SystemRandom::seeded(1);
/// assert!(backoff.delay(2, &random) <= Duration::from_millis(20));
///
/// let backoff = backoff.with_jitter(Jitter::None);
/// let delays = [1, 2, 3, 4, 1_000].map(|attempt| backoff.delay(attempt, &random).as_millis());
/// assert_eq!(delays, [10, 20, 40, 60, 60]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Backoff {
    /// What is due before the second try; 100 ms by default.
    #[serde(with = "friendly")]
    pub base: Duration,
    /// By what a delay grows from try to try; 2 by default, 1 for delays
    /// that stay the same. 0 is taken as 1.
    pub factor: u32,
    /// The longest delay; 30 s by default.
    #[serde(with = "friendly")]
    pub cap: Duration,
    /// How delays are spread.
    pub jitter: Jitter,
}

/// How a delay is spread by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Jitter {
    /// Anything from nothing to the delay that is due.
    #[default]
    Full,
    /// The delay that is due.
    None,
    /// Anything from half of the delay that is due to all of it.
    Equal,
}

impl Backoff {
    /// Delays from `base` up to `cap`, doubled from try to try, with full
    /// jitter.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, factor: 2, cap, jitter: Jitter::Full }
    }

    /// The same delays, growing by another factor.
    #[must_use]
    pub const fn with_factor(self, factor: u32) -> Self {
        Self { factor, ..self }
    }

    /// The same delays, spread another way.
    #[must_use]
    pub const fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// How long to wait after so many tries have failed: 1 after the first. 0
    /// is taken as 1.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: &dyn Random) -> Duration {
        let due = self.due(attempt);
        let nanos = match self.jitter {
            Jitter::None => due,
            Jitter::Full => up_to(due, random),
            Jitter::Equal => due.div_ceil(2) + up_to(due / 2, random),
        };
        Duration::from_nanos(nanos)
    }

    /// The delay before it is spread, in nanoseconds.
    fn due(&self, attempt: u32) -> u64 {
        let growth = u128::from(self.factor.max(1)).saturating_pow(attempt.saturating_sub(1));
        let due = self.base.as_nanos().saturating_mul(growth).min(self.cap.as_nanos());
        u64::try_from(due).unwrap_or(u64::MAX)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(30))
    }
}

/// Any number up to and including a limit, each as likely as the next but for
/// one part in 2⁶⁴.
fn up_to(limit: u64, random: &dyn Random) -> u64 {
    let scaled = u128::from(random.next_u64()) * (u128::from(limit) + 1);
    (scaled >> 64) as u64
}
