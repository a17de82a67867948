//! A running subscription from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::follower::unread;
use super::layout::Layout;
use super::{Start, SubscriptionState, SubscriptionStatus};
use crate::projection::WaitError;
use crate::runtime::Services;
use crate::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, EventStore, Operation, Position, Store,
    UnitOfWork,
};

/// What an application holds of a running subscription.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionHandle {
    pub(super) handler: &'static str,
    pub(super) parts: usize,
    pub(super) status: watch::Receiver<SubscriptionStatus>,
    pub(super) checkpoint: CheckpointName,
    pub(super) control: Arc<Control>,
}

/// What is wanted of a running subscription.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) hurry: Notify,
    pub(super) paused: AtomicBool,
    /// The place was set from outside.
    pub(super) reset: AtomicBool,
}

impl SubscriptionHandle {
    pub(crate) fn status(&self) -> SubscriptionStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.control.paused.store(paused, Ordering::Release);
        self.control.hurry.notify_one();
    }

    /// Whether it is a handler of that name, or a part of it.
    pub(crate) fn is_of(&self, handler: &str) -> bool {
        let status = self.status.borrow();
        let rest = status.name.strip_prefix(handler);
        rest.is_some_and(|part| part.is_empty() || part.starts_with('/'))
    }

    /// Sets the place, whoever has claimed it.
    pub(crate) async fn reset(
        &self,
        store: &Store,
        services: &Services,
        to: Start,
    ) -> Result<(), CommitError> {
        let Checkpoint { epoch, .. } = store.claim_checkpoint(&self.checkpoint).await?;
        let info = store.info().await.map_err(unread)?;
        let position = match to {
            Start::Beginning => Position::NONE,
            Start::Now => info.head,
        };
        let now = services.now();
        let cursor = Cursor { log: info.log, position };
        let work = UnitOfWork::new(Operation::fresh(services.id(now).into()), now)
            .put(Layout::table(), self.handler, Layout::new(self.parts).to_bytes())
            .advance_checkpoint(self.checkpoint.clone(), epoch, Some(cursor));
        store.commit(work).await?;
        self.control.reset.store(true, Ordering::Release);
        self.control.hurry.notify_one();
        Ok(())
    }

    /// Waits until the handler is done with everything up to a position.
    pub(crate) async fn reached(&self, wanted: Position) -> Result<(), WaitError> {
        let mut status = self.status.clone();
        self.control.hurry.notify_one();
        let there = |now: &SubscriptionStatus| {
            now.position >= wanted || now.state == SubscriptionState::Stopped
        };
        let now = status.wait_for(there).await.map_err(|_| WaitError::Stopped)?;
        if now.position >= wanted { Ok(()) } else { Err(WaitError::Stopped) }
    }
}
