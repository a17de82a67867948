//! The bounded map below the cache.

use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard};

use lru::LruCache;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use super::entry::Kept;
use super::{CacheKey, Eviction, KeyRef};
use crate::store::{BuildOwnHash, SeededHash};

/// Keeps answers within a sum of weights.
pub(super) enum Shelf {
    Adaptive(Box<Cache<CacheKey, Kept, EntryWeight, BuildOwnHash, Evictions>>),
    Lru(Mutex<Ranked>),
}

/// Answers in the order of their last use.
pub(super) struct Ranked {
    cache: LruCache<Arc<[u8]>, Kept, BuildHasherDefault<SeededHash>>,
    weight: u64,
    most: u64,
}

/// What had to go. Dropped by the caller, outside of all locks: the answers'
/// drops are their authors' code.
#[derive(Default)]
pub(super) struct Evicted {
    entries: Vec<Kept>,
    replaced: Option<Kept>,
}

#[derive(Clone)]
pub(super) struct EntryWeight;

#[derive(Clone)]
pub(super) struct Evictions;

impl Weighter<CacheKey, Kept> for EntryWeight {
    fn weight(&self, _key: &CacheKey, entry: &Kept) -> u64 {
        entry.weight
    }
}

impl Lifecycle<CacheKey, Kept> for Evictions {
    type RequestState = Evicted;

    fn on_evict(&self, evicted: &mut Evicted, _key: CacheKey, entry: Kept) {
        evicted.entries.push(entry);
    }
}

impl Evicted {
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// Answers that a shard holds at least, so that its share of the room is no
/// hindrance.
const SHARD_ENTRIES: u64 = 128;

impl Shelf {
    pub(super) fn new(eviction: Eviction, most: u64) -> Self {
        match eviction {
            Eviction::Adaptive => Self::adaptive(most, 0.97),
            Eviction::Recent => Self::adaptive(most, 0.5),
            Eviction::Lru => {
                let cache = LruCache::unbounded_with_hasher(BuildHasherDefault::default());
                Self::Lru(Mutex::new(Ranked { cache, weight: 0, most }))
            }
        }
    }

    fn adaptive(most: u64, hot: f64) -> Self {
        // A power of two whose shards are large enough.
        let shards = 1 << (most / SHARD_ENTRIES).clamp(1, 16).ilog2();
        // Shares are rounded up below; a multiple keeps the sum within bounds.
        let most = most / shards * shards;
        let expected = usize::try_from(most.min(1 << 20)).unwrap_or(1 << 20);
        let options = OptionsBuilder::new()
            .shards(shards as usize)
            .estimated_items_capacity(expected)
            .weight_capacity(most)
            .hot_allocation(hot)
            .build()
            .expect("both capacities are set");
        let hasher = BuildOwnHash::default();
        Self::Adaptive(Box::new(Cache::with_options(options, EntryWeight, hasher, Evictions)))
    }

    #[inline]
    pub(super) fn find(&self, key: &KeyRef<'_>) -> Option<Kept> {
        match self {
            Self::Adaptive(cache) => cache.get(key),
            Self::Lru(ranked) => locked(ranked).cache.get(key.as_bytes()).cloned(),
        }
    }

    /// Keeps an answer; gives what had to go, which may be the answer itself.
    pub(super) fn keep(&self, key: CacheKey, entry: Kept) -> Evicted {
        match self {
            Self::Adaptive(cache) => {
                let mut evicted = Evicted::default();
                cache.insert_with_lifecycle(key, entry, &mut evicted);
                evicted
            }
            Self::Lru(ranked) => locked(ranked).keep(&key, entry),
        }
    }

    /// Takes an answer away, unless another one has taken its place.
    pub(super) fn remove(&self, key: &KeyRef<'_>, entry: &Kept) {
        match self {
            Self::Adaptive(cache) => drop(cache.remove_if(key, |kept| Arc::ptr_eq(kept, entry))),
            Self::Lru(ranked) => {
                let mut ranked = locked(ranked);
                if ranked.cache.peek(key.as_bytes()).is_some_and(|kept| Arc::ptr_eq(kept, entry)) {
                    ranked.cache.pop(key.as_bytes());
                    ranked.weight -= entry.weight;
                }
            }
        }
    }

    /// Takes away what `is_good` refuses: a walk over everything.
    pub(super) fn retain(&self, is_good: impl Fn(&Kept) -> bool) {
        match self {
            Self::Adaptive(cache) => cache.retain(|_, entry| is_good(entry)),
            Self::Lru(ranked) => {
                let mut ranked = locked(ranked);
                let bad: Vec<_> =
                    ranked.cache.iter().filter(|(_, entry)| !is_good(entry)).collect();
                let bad: Vec<_> = bad.into_iter().map(|(key, _)| Arc::clone(key)).collect();
                for key in bad {
                    if let Some(entry) = ranked.cache.pop(&key) {
                        ranked.weight -= entry.weight;
                    }
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Adaptive(cache) => cache.len(),
            Self::Lru(ranked) => locked(ranked).cache.len(),
        }
    }

    pub(super) fn weight(&self) -> u64 {
        match self {
            Self::Adaptive(cache) => cache.weight(),
            Self::Lru(ranked) => locked(ranked).weight,
        }
    }
}

impl Ranked {
    fn keep(&mut self, key: &CacheKey, entry: Kept) -> Evicted {
        let mut evicted = Evicted::default();
        if entry.weight > self.most {
            evicted.entries.push(entry);
            return evicted;
        }
        self.weight += entry.weight;
        if let Some(replaced) = self.cache.put(Arc::clone(key.shared_bytes()), entry) {
            self.weight -= replaced.weight;
            evicted.replaced = Some(replaced);
        }
        while self.weight > self.most
            && let Some((_, oldest)) = self.cache.pop_lru()
        {
            self.weight -= oldest.weight;
            evicted.entries.push(oldest);
        }
        evicted
    }
}

fn locked(ranked: &Mutex<Ranked>) -> MutexGuard<'_, Ranked> {
    ranked.lock().expect("nothing panics under the lock")
}
