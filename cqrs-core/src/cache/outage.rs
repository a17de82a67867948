//! A backend that failed is left alone for a while, then tried by one call.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::CacheError;
use crate::runtime::Clock;

pub(super) struct Outage {
    pause: Duration,
    /// When it may be tried again, in nanoseconds; 0 while it works.
    until: AtomicU64,
}

impl Outage {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, until: AtomicU64::new(0) }
    }

    /// Whether this call may go there. In an outage, one call may for each
    /// pause; if it is dropped before it has learnt anything, so may the next
    /// one a pause later.
    pub(super) fn admits(&self, now: Duration) -> bool {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        let next = self.behind(now);
        nanos(now) >= until
            && self.until.compare_exchange(until, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Notes how a call has ended.
    pub(super) fn learn(&self, now: Duration, worked: bool) {
        if worked {
            // Not written when nothing changes: all calls look at it.
            if self.until.load(Ordering::Acquire) != 0 {
                self.until.store(0, Ordering::Release);
            }
        } else {
            self.until.store(self.behind(now), Ordering::Release);
        }
    }

    fn behind(&self, now: Duration) -> u64 {
        nanos(now.saturating_add(self.pause)).max(1)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Gives up on a call of the backend that takes too long.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    call: impl Future<Output = Result<T, CacheError>>,
) -> Result<T, CacheError> {
    let (mut call, mut sleep) = (pin!(call), clock.sleep(limit));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(ended) = call.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        sleep.as_mut().poll(cx).map(|()| Err(CacheError::Timeout(limit)))
    })
    .await
}
