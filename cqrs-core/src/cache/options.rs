//! How much is kept, for how long, and what goes first.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Stamp;

/// Settings of a [`QueryCache`](super::QueryCache).
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::cache::{CacheOptions, Capacity, Eviction, QueryCache};
///
/// let options = CacheOptions::new()
///     .capacity(Capacity::entries(500))
///     .ttl(Duration::from_secs(30))
///     .eviction(Eviction::Lru);
/// let cache = QueryCache::new(options);
/// assert!(cache.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CacheOptions {
    pub(super) capacity: Capacity,
    pub(super) ttl: Ttl,
    pub(super) eviction: Eviction,
}

impl CacheOptions {
    /// 10,000 answers, ten minutes, [`Eviction::Adaptive`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much is kept at most.
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// How long an answer is kept, from when its query began. Ten minutes
    /// unless said otherwise; zero keeps nothing, but callers of one answer
    /// still share its run.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Ttl(ttl);
        self
    }

    /// Which answer goes when there is no room.
    #[must_use]
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }
}

/// A time to live, ten minutes unless said otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ttl(pub(super) Duration);

impl Default for Ttl {
    fn default() -> Self {
        Self(Duration::from_secs(600))
    }
}

/// Which answer goes when there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// One that was asked for seldom and not lately (Clock-PRO, as the crate
    /// `quick_cache` has it). A scan through many keys does not push out what
    /// is asked for often; hits on different threads do not wait for each
    /// other. It may keep fewer answers than allowed, by a few.
    #[default]
    Adaptive,
    /// As [`Eviction::Adaptive`], but only half of the room is for what is
    /// asked for often: for keys that are hot for a short time each.
    Recent,
    /// Exactly the one whose last use is the longest ago. Each hit takes the
    /// cache's one lock.
    Lru,
}

/// How much is kept at most.
#[derive(Clone)]
pub struct Capacity {
    pub(super) most: u64,
    pub(super) weigh: Option<Weigh>,
}

pub(super) type Weigh = Arc<dyn Fn(&dyn Any) -> u64 + Send + Sync>;

impl Capacity {
    /// A number of answers; at least one.
    #[must_use]
    pub fn entries(most: usize) -> Self {
        Self { most: (most as u64).max(1), weigh: None }
    }

    /// A sum of weights, such as bytes. The function is given an answer of any
    /// query; the bytes of the key are added to what it says. An answer that
    /// is heavier than all room is not kept.
    #[must_use]
    pub fn weight(most: u64, weigh: impl Fn(&dyn Any) -> u64 + Send + Sync + 'static) -> Self {
        Self { most: most.max(1), weigh: Some(Arc::new(weigh)) }
    }
}

impl Default for Capacity {
    /// 10,000 answers.
    fn default() -> Self {
        Self::entries(10_000)
    }
}

impl fmt::Debug for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.weigh.is_some() { "weight" } else { "entries" };
        f.debug_struct("Capacity").field(unit, &self.most).finish()
    }
}

/// What one call asks of the cache.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Terms<'a> {
    pub(super) ttl: Option<Duration>,
    pub(super) stamp: Option<Stamp>,
    pub(super) parts: &'a [&'a str],
}

impl<'a> Terms<'a> {
    /// The cache's time to live, any stamp, no parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A time to live of this query's own.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// What the answer must reflect.
    #[must_use]
    pub fn stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    /// Parts of the key that the answer can be invalidated by
    /// ([`Tag::part`](super::Tag::part)), such as `["7"]` for
    /// `GetUser { id: 7 }`. They follow from the query, so that all callers of
    /// one key give the same.
    #[must_use]
    pub fn parts(mut self, parts: &'a [&'a str]) -> Self {
        self.parts = parts;
        self
    }

    pub(super) fn asked(&self) -> Stamp {
        self.stamp.unwrap_or(Stamp::ANY)
    }
}

/// Settings of the cache outside of the process.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TieredOptions {
    pub(super) timeout: Duration,
    pub(super) pause: Duration,
}

impl TieredOptions {
    /// 50 ms for a call of the backend, and a pause of a second behind one
    /// that failed.
    #[must_use]
    pub fn new() -> Self {
        Self { timeout: Duration::from_millis(50), pause: Duration::from_secs(1) }
    }

    /// How long a call of the backend may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a backend that failed is left alone. One call tries it then;
    /// the others go on without it until that call has succeeded.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Default for TieredOptions {
    fn default() -> Self {
        Self::new()
    }
}
