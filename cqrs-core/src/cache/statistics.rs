//! What a cache has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// Answers that were found in this process.
    pub hits: u64,
    /// Runs that were begun because nothing was found in this process.
    pub misses: u64,
    /// Answers that came from another caller's run.
    pub shared_runs: u64,
    /// Answers that had to make room.
    pub evictions: u64,
    /// Answers whose time to live was found to have passed.
    pub expirations: u64,
    /// Answers that were found to be invalidated, kept or just made.
    pub invalidations: u64,
    /// Answers that were found in the cache outside of the process.
    pub backend_hits: u64,
    /// Calls of it that failed or took too long.
    pub backend_errors: u64,
    /// Entries in it that could not be read: broken, of another type or format.
    pub backend_broken: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) shared_runs: Counter,
    pub(super) evictions: Counter,
    pub(super) expirations: Counter,
    pub(super) invalidations: Counter,
}

#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn read(&self) -> CacheStatistics {
        CacheStatistics {
            hits: self.hits.get(),
            misses: self.misses.get(),
            shared_runs: self.shared_runs.get(),
            evictions: self.evictions.get(),
            expirations: self.expirations.get(),
            invalidations: self.invalidations.get(),
            ..CacheStatistics::default()
        }
    }
}
