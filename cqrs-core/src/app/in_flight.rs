//! The calls that are under way, so that a shutdown can wait for them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the calls of one application that wait for something. A call that
/// ends without waiting is over before anybody could wait for it.
#[derive(Default)]
pub(crate) struct InFlight {
    running: AtomicUsize,
    /// Somebody waits for the last one.
    awaited: AtomicBool,
    ended: Notify,
}

/// One call; over when it is dropped.
pub(crate) struct Running<'a>(&'a InFlight);

impl InFlight {
    pub(crate) fn enter(&self) -> Running<'_> {
        self.running.fetch_add(1, Ordering::AcqRel);
        Running(self)
    }

    pub(crate) fn count(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Returns when no call is under way.
    pub(crate) async fn drained(&self) {
        self.awaited.store(true, Ordering::SeqCst);
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1
            && self.0.awaited.load(Ordering::SeqCst)
        {
            self.0.ended.notify_waiters();
        }
    }
}
