//! Randomness, for jitter and the like; never for secrets.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers. Tests replace it by a seeded one.
pub trait Random: Send + Sync + 'static {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}

/// SplitMix64, seeded once from the system.
#[derive(Debug)]
pub struct SystemRandom(AtomicU64);

impl SystemRandom {
    /// A source with a seed from the system.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(std::hash::RandomState::new().build_hasher().finish())
    }

    /// A source whose numbers depend on the seed alone.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        crate::message::mix(z.wrapping_add(0x9e37_79b9_7f4a_7c15))
    }
}
