//! A clock that moves only when the test says so.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::Timestamp;
use cqrs_core::runtime::{BoxFuture, Clock};
use tokio::sync::watch;

/// Virtual time. Clones share it.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::runtime::Clock;
/// use cqrs_testkit::ManualClock;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().since(before), Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    start: Arc<Mutex<Timestamp>>,
    passed: Arc<watch::Sender<Duration>>,
}

impl ManualClock {
    /// A clock at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::from_micros(1_767_225_600_000_000))
    }

    /// A clock at a time of your own.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self {
            start: Arc::new(Mutex::new(start)),
            passed: Arc::new(watch::Sender::new(Duration::ZERO)),
        }
    }

    /// Lets time pass; whoever sleeps until then wakes.
    pub fn advance(&self, by: Duration) {
        self.passed.send_modify(|passed| *passed += by);
    }

    /// Sets the time of day, as an administrator may; nobody wakes.
    pub fn set(&self, now: Timestamp) {
        let passed = i64::try_from(self.passed.borrow().as_micros()).unwrap_or(i64::MAX);
        let start = Timestamp::from_micros(now.as_micros().saturating_sub(passed));
        *self.start.lock().expect("nothing panics under the lock") = start;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let start = *self.start.lock().expect("nothing panics under the lock");
        start.plus(*self.passed.borrow())
    }

    fn monotonic(&self) -> Duration {
        *self.passed.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut passed = self.passed.subscribe();
        let end = passed.borrow().saturating_add(duration);
        Box::pin(async move {
            if passed.wait_for(|now| *now >= end).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({})", self.now())
    }
}
