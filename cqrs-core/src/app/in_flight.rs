//! The calls that are under way, so that a shutdown can wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the calls of one application that wait for something. A call that
/// ends without waiting is over before anybody could wait for it.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Calls>);

#[derive(Default)]
struct Calls {
    running: AtomicUsize,
    /// Somebody waits for the last one.
    awaited: AtomicBool,
    ended: Notify,
}

/// One call; over when it is dropped.
pub(crate) struct Running(Arc<Calls>);

impl InFlight {
    pub(crate) fn enter(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(&self.0))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Returns when no call is under way.
    pub(crate) async fn drained(&self) {
        self.0.awaited.store(true, Ordering::SeqCst);
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1
            && self.0.awaited.load(Ordering::SeqCst)
        {
            self.0.ended.notify_waiters();
        }
    }
}
