//! How many calls somebody may make.
//!
//! The decision is the generic cell rate algorithm: what is known of a key is
//! one time, and a limit of five thousand costs what one of ten does. Keys
//! come from outside, so that the memory for them is fixed. Whoever makes up
//! keys can only displace others that have made fewer calls:
//!
//! - A key is never refused because of others. What can be lost is what is known
//!   of it, and then it has its whole burst again.
//! - It loses that only when the sixteen keys of its set have all at least as
//!   many calls in hand, and one more comes. Nobody can tell which keys share a
//!   set, since the hash has a secret key. So against one that has `n` calls in
//!   hand somebody has to make, within the time in which those run off, about
//!   `2 × keys × n` calls that are let through, under other keys.
//! - Between two calls of a key that has nothing in hand that is `2 × keys`
//!   calls. Choose `keys` by how many callers there are in one period.
//!
//! A key is known by its hash of 64 bits, with a secret from the system: texts
//! by XXH3, which costs a call next to nothing, everything else by SipHash, as
//! in the maps of the standard library. A random source that tests can seed
//! would be one that attackers can guess.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::places::{Cells, Places};
use super::sync::Mutex;

/// Counts calls by key.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use cqrs_core::resilience::{Rate, RateLimiter};
///
/// let rate = Rate::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(1));
/// let limiter = RateLimiter::new(rate, 1_000);
/// let (ada, bob) = (limiter.key("ada"), limiter.key("bob"));
/// let now = Duration::from_secs(5);
///
/// limiter.check(ada, now)?;
/// limiter.check(ada, now)?;
/// let limited = limiter.check(ada, now).unwrap_err();
/// assert_eq!(limited.retry_after, Duration::from_millis(500));
/// limiter.check(bob, now)?;
/// limiter.check(ada, now + limited.retry_after)?;
/// # Ok::<(), cqrs_core::resilience::Limited>(())
/// ```
pub struct RateLimiter {
    hash: RandomState,
    seed: u64,
    places: Places,
    /// Also the lock of whoever changes it, so that all sets end with the same.
    rate: Mutex<Rate>,
}

/// So many calls in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rate {
    /// So many calls
    pub limit: NonZeroU32,
    /// in such a time. The time between two calls is rounded up to whole
    /// nanoseconds.
    #[serde(with = "friendly")]
    pub per: Duration,
    /// So many at once; as many as the limit, if nothing is said.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
}

/// A caller has no calls left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls: call again in {retry_after:?}")]
#[non_exhaustive]
pub struct Limited {
    /// When there is one again.
    pub retry_after: Duration,
}

impl Rate {
    /// So many calls in such a time, all of which may come at once.
    #[must_use]
    pub const fn new(limit: NonZeroU32, per: Duration) -> Self {
        Self { limit, per, burst: None }
    }

    /// The same rate, with so many calls at once.
    #[must_use]
    pub const fn burst(self, burst: NonZeroU32) -> Self {
        Self { burst: Some(burst), ..self }
    }

    fn cells(self) -> Cells {
        let interval = self.per.as_nanos().div_ceil(u128::from(self.limit.get()));
        let interval = nanos(interval).max(1);
        let burst = self.burst.unwrap_or(self.limit).get();
        Cells { interval, tolerance: interval.saturating_mul(u64::from(burst - 1)) }
    }
}

impl RateLimiter {
    /// A limiter that knows so many keys at once, at most 16,777,216; 40 bytes
    /// each, taken at once and for good.
    #[must_use]
    pub fn new(rate: Rate, keys: usize) -> Self {
        let places = Places::new(keys, rate.cells());
        let hash = RandomState::new();
        Self { seed: hash.hash_one(0), hash, places, rate: Mutex::new(rate) }
    }

    /// Takes one call of a key, a hash from [`key`](Self::key) or
    /// [`hasher`](Self::hasher). Neither allocates nor waits but for the few
    /// nanoseconds in which somebody decides about a key of the same set.
    ///
    /// # Errors
    ///
    /// [`Limited`] when it has none left. A refused call costs the key nothing.
    pub fn check(&self, key: u64, now: Duration) -> Result<(), Limited> {
        let taken = self.places.of(key).take(key, nanos(now.as_nanos()));
        taken.map_err(|retry_after| Limited { retry_after })
    }

    /// What this limiter knows a caller by.
    #[must_use]
    pub fn key<K: Hash + ?Sized>(&self, of: &K) -> u64 {
        self.hash.hash_one(of)
    }

    /// As [`key`](Self::key), of several texts, such as tenant and caller: the
    /// fastest way. The texts are kept apart, and a text less is another key.
    #[must_use]
    pub fn key_of(&self, texts: &[&str]) -> u64 {
        let hash = |seed, text: &&str| xxh3_64_with_seed(text.as_bytes(), seed);
        texts.iter().fold(self.seed, hash)
    }

    /// A hasher for keys of several parts, with the limiter's secret.
    #[must_use]
    pub fn hasher(&self) -> DefaultHasher {
        self.hash.build_hasher()
    }

    /// The rate that holds now.
    #[must_use]
    pub fn rate(&self) -> Rate {
        *self.rate.lock().expect("nothing panics under the lock")
    }

    /// Goes on with another rate. Calls that a key has made still count, each as
    /// one call of the new rate; a key is at most at its limit. Takes
    /// about a millisecond for 100,000 keys, during which decisions go on.
    pub fn set_rate(&self, rate: Rate, now: Duration) {
        let mut current = self.rate.lock().expect("nothing panics under the lock");
        let (cells, now) = (rate.cells(), nanos(now.as_nanos()));
        self.places.all().for_each(|mut set| set.convert(cells, now));
        *current = rate;
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.places.bytes()
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").field("rate", &self.rate()).finish_non_exhaustive()
    }
}

fn nanos(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
