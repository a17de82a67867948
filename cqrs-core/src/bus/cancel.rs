//! A caller's wish to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Cancels the calls it was given to. Clones share one state.
#[derive(Clone, Debug)]
pub struct CancelToken(Arc<watch::Sender<bool>>);

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Cancels, for good.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.subscribe();
        let seen = receiver.wait_for(|cancelled| *cancelled).await;
        debug_assert!(seen.is_ok(), "the sender lives as long as the token");
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}
