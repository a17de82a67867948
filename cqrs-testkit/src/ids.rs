//! Identifiers that are the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::Timestamp;
use cqrs_core::message::IdGenerator;
use uuid::Uuid;

/// Counts: 00000000-0000-7000-8000-000000000001, …2, …3.
///
/// ```
/// use cqrs_core::{Timestamp, message::IdGenerator};
/// use cqrs_testkit::SequentialIds;
///
/// let ids = SequentialIds::new();
/// assert_eq!(ids.next(Timestamp::EPOCH).to_string(), "00000000-0000-7000-8000-000000000001");
/// ```
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// Starts at 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl IdGenerator for SequentialIds {
    fn next(&self, _now: Timestamp) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0000 | number)
    }
}
