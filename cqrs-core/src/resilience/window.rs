//! The failures of the last while.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// Room that is there from the start, so that usual thresholds cost no
/// allocation later.
const ROOM: usize = 64;

/// When the latest failures were, the oldest first. Exact, since no more than
/// the threshold have to be known: memory is 16 bytes a failure up to that.
#[derive(Debug)]
pub(super) struct Window(VecDeque<Duration>);

impl Window {
    pub(super) fn new(threshold: NonZeroU32) -> Self {
        Self(VecDeque::with_capacity(index(threshold).min(ROOM)))
    }

    /// Adds a failure; whether there are now `threshold` of them, none older
    /// than `width`.
    pub(super) fn is_reached(
        &mut self,
        now: Duration,
        width: Duration,
        threshold: NonZeroU32,
    ) -> bool {
        let kept = index(threshold) - 1;
        while self.0.front().is_some_and(|at| now.saturating_sub(*at) > width)
            || self.0.len() > kept
        {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() > kept
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn index(threshold: NonZeroU32) -> usize {
    usize::try_from(threshold.get()).unwrap_or(usize::MAX)
}
