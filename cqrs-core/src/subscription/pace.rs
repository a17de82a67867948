//! How hard an event handler tries, which may change while it runs.

use std::sync::{Mutex, MutexGuard};

use crate::resilience::Backoff;

/// The steps that an event handler takes now. What is under way with an event
/// goes by them at its next try, and the place by the next events.
pub(crate) struct Pace(Mutex<Steps>);

/// How often an event is tried, and how many are taken at a time.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// Tries before an event is parked.
    pub(crate) attempts: u32,
    /// The pauses between them.
    pub(crate) backoff: Backoff,
    /// Events between two times that the place is stored.
    pub(crate) batch: usize,
}

impl Pace {
    pub(crate) fn new(steps: Steps) -> Self {
        Self(Mutex::new(steps))
    }

    pub(crate) fn set(&self, steps: Steps) {
        *self.steps() = steps;
    }

    /// How often an event is tried, and with what pauses.
    pub(super) fn tries(&self) -> (u32, Backoff) {
        let steps = self.steps();
        (steps.attempts, steps.backoff.clone())
    }

    pub(super) fn batch(&self) -> usize {
        self.steps().batch
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().expect("nothing panics under the lock")
    }
}
