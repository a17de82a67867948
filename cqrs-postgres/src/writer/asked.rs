//! What waits for the task beside units: it weighs little, and is counted.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Answer;

/// How many may wait. Callers that run out of patience leave what they asked
/// for in the queue, and come back.
const MOST: usize = 4_096;

/// An answer that somebody waits for, with its place in the queue.
pub(super) struct Asked<T> {
    answer: Answer<T>,
    _place: OwnedSemaphorePermit,
}

impl<T> Asked<T> {
    pub(super) fn new(answer: Answer<T>, place: OwnedSemaphorePermit) -> Self {
        Self { answer, _place: place }
    }

    /// Whether anybody waits still.
    pub(super) fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    pub(super) fn answer(self, with: T) {
        let _ = self.answer.send(with);
    }
}

/// The places that are free.
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }

    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Why something cannot wait.
    pub(super) fn full(&self) -> Arc<str> {
        format!("{MOST} requests wait for the writer already; try later").into()
    }
}
