//! The end of an application, in order.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::App;
use crate::projection::WaitError;
use crate::store::EventStore;

/// What still ran when an application had shut down: nothing, unless the grace
/// period was too short for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// Calls that were under way.
    pub calls: usize,
    /// Background tasks.
    pub tasks: usize,
    /// Events on the bus that subscribers had not handled, counted for each
    /// subscriber.
    pub deliveries: u64,
}

impl Shutdown {
    /// Whether everything had ended by itself.
    #[must_use]
    pub fn is_orderly(self) -> bool {
        self.calls == 0 && self.tasks == 0 && self.deliveries == 0
    }
}

impl App {
    /// Takes no more work, lets what is under way end, and stops what runs in
    /// the background, within the application's grace period: by default 10
    /// seconds. What then still runs is ended at its next await; that is as
    /// safe as a crash.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the application stopping.
    pub async fn shutdown(&self) -> Shutdown {
        self.shutdown_within(self.0.live.grace()).await
    }

    /// As [`App::shutdown`], with another grace period.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the application stopping.
    pub async fn shutdown_within(&self, grace: Duration) -> Shutdown {
        self.0.closing.store(true, Ordering::Release);
        let mut deliveries = 0;
        let orderly = async {
            self.0.in_flight.drained().await;
            let head = self.0.store.watch().head();
            // A subscriber that hangs leaves half of the time to the others.
            deliveries = self.0.feed.stop(head, grace / 2, &self.0.services).await;
            self.0.tasks.stop();
            self.0.tasks.drained().await;
            // A bus that has stopped has told its tasks to end.
            self.0.feed.drained().await;
            Ok(())
        };
        let ended = self.limited(grace, orderly, || WaitError::Stopped).await;
        let tasks = self.0.tasks.running() + self.0.feed.running();
        let left = Shutdown { calls: self.0.in_flight.count(), tasks, deliveries };
        if ended.is_err() {
            tracing::warn!(target: "cqrs::app", calls = left.calls, tasks = left.tasks, "the grace period is over");
            self.0.tasks.abort();
            self.0.feed.abort();
        }
        left
    }

    /// Whether the application takes work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.closing.load(Ordering::Acquire) && !self.0.tasks.is_stopping()
    }
}
