//! Where failures go when nobody waits for them.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::Failure;

/// The failures of a bus, kept until somebody takes them: 100 unless the
/// builder says otherwise. All are counted, also those that were not kept.
/// Clones are of the same stream.
#[derive(Clone)]
pub struct ErrorStream(Arc<Shared>);

/// Which failures an [`ErrorStream`] keeps when it is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// The first ones: what went wrong at the beginning.
    First,
    /// The last ones: how it goes wrong now.
    #[default]
    Last,
}

/// How many failures there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorCounts {
    /// All of them.
    pub total: u64,
    /// Those that were not kept, since nobody had taken others in time.
    pub lost: u64,
}

/// Is called for each failure.
pub(super) type Hook = Box<dyn Fn(&Failure) + Send + Sync>;

struct Shared {
    capacity: usize,
    keep: Keep,
    hook: Option<Hook>,
    kept: Mutex<Kept>,
    more: Notify,
}

#[derive(Default)]
struct Kept {
    failures: VecDeque<Failure>,
    counts: ErrorCounts,
}

impl ErrorStream {
    /// For buses: a stream that keeps as many.
    #[must_use]
    pub fn new(capacity: usize, keep: Keep) -> Self {
        Self::with_hook(capacity, keep, None)
    }

    pub(super) fn with_hook(capacity: usize, keep: Keep, hook: Option<Hook>) -> Self {
        let (kept, more) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { capacity, keep, hook, kept, more }))
    }

    /// For buses: takes a failure in, after the hook has seen it. A hook that
    /// panics changes nothing.
    pub fn report(&self, failure: Failure) {
        if let Some(hook) = &self.0.hook
            && catch_unwind(AssertUnwindSafe(|| hook(&failure))).is_err()
        {
            tracing::error!("the error hook of an event bus panicked");
        }
        tracing::debug!(%failure, "event not handled");
        let unkept = self.0.keep(failure);
        self.0.more.notify_one();
        // A value's own drop may do anything, so not under the lock.
        drop(unkept);
    }

    /// The next failure, once there is one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&self) -> Failure {
        loop {
            let more = self.0.more.notified();
            if let Some(failure) = self.try_next() {
                return failure;
            }
            more.await;
        }
    }

    /// The next failure, if there is one now.
    #[must_use]
    pub fn try_next(&self) -> Option<Failure> {
        let mut kept = self.0.kept.lock().expect("nothing panics under the lock");
        let next = kept.failures.pop_front();
        if !kept.failures.is_empty() {
            self.0.more.notify_one();
        }
        next
    }

    /// Takes all that were kept, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Failure> {
        let mut kept = self.0.kept.lock().expect("nothing panics under the lock");
        std::mem::take(&mut kept.failures).into()
    }

    /// How many there were, kept or not, taken or not.
    #[must_use]
    pub fn counts(&self) -> ErrorCounts {
        self.0.kept.lock().expect("nothing panics under the lock").counts
    }
}

impl Default for ErrorStream {
    fn default() -> Self {
        Self::new(100, Keep::default())
    }
}

impl fmt::Debug for ErrorStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorStream({:?})", self.counts())
    }
}

impl Shared {
    /// Keeps a failure and returns the one that is not kept.
    fn keep(&self, failure: Failure) -> Option<Failure> {
        let mut kept = self.kept.lock().expect("nothing panics under the lock");
        kept.counts.total += 1;
        if kept.failures.len() < self.capacity {
            kept.failures.push_back(failure);
            return None;
        }
        kept.counts.lost += 1;
        match self.keep {
            Keep::First => Some(failure),
            Keep::Last => {
                kept.failures.push_back(failure);
                kept.failures.pop_front()
            }
        }
    }
}
