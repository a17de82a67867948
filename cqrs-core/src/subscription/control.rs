//! A running subscription from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::follower::unread;
use super::layout::Layout;
use super::lookout::POLL;
use super::{Start, SubscriptionState, SubscriptionStatus};
use crate::projection::WaitError;
use crate::runtime::{Clock, Services, race};
use crate::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, EventStore, Position, Store, UnitOfWork,
};

/// What an application holds of a running subscription.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionHandle {
    pub(super) handler: &'static str,
    pub(super) parts: usize,
    pub(super) is_volatile: bool,
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

    /// Sets the place, whoever works on it. A volatile handler has none.
    pub(crate) async fn reset(
        &self,
        store: &Store,
        services: &Services,
        to: Start,
    ) -> Result<(), CommitError> {
        const TRIES: u32 = 5;
        if self.is_volatile {
            return Ok(());
        }
        if let Some(layout) = Layout::read(store, self.handler).await.map_err(unread)?
            && !layout.is_of(self.parts)
        {
            let reason = format!(
                "event handler `{}` is divided otherwise by the build that works on it: set its place there",
                self.handler
            );
            return Err(CommitError::Unavailable { reason: reason.into(), transient: false });
        }
        for tries in 1.. {
            match self.set(store, services, to).await {
                // Whoever took it over meanwhile is to begin here as well.
                Err(CommitError::Fenced { .. }) if tries < TRIES => {}
                set => {
                    self.control.reset.store(set.is_ok(), Ordering::Release);
                    self.control.hurry.notify_one();
                    return set;
                }
            }
        }
        Ok(())
    }

    async fn set(&self, store: &Store, services: &Services, to: Start) -> Result<(), CommitError> {
        let Checkpoint { epoch, .. } = store.claim_checkpoint(&self.checkpoint).await?;
        let info = store.info().await.map_err(unread)?;
        let position = match to {
            Start::Beginning => Position::NONE,
            Start::Now => info.head,
        };
        let cursor = Cursor { log: info.log, position };
        let work = UnitOfWork::fresh(services)
            .put(Layout::table(), self.handler, Layout::new(self.parts).to_bytes())
            .advance_checkpoint(self.checkpoint.clone(), epoch, Some(cursor));
        store.commit(work).await.map(drop)
    }

    /// Waits until the handler is done with everything up to a position.
    pub(crate) async fn reached(
        &self,
        wanted: Position,
        clock: &dyn Clock,
    ) -> Result<(), WaitError> {
        let mut status = self.status.clone();
        let there = |now: &SubscriptionStatus| {
            now.position >= wanted || now.state == SubscriptionState::Stopped
        };
        loop {
            // One that another process moves is looked at for whoever waits.
            self.control.hurry.notify_one();
            let now = async { status.wait_for(there).await.map(|now| now.position) };
            match race(clock.sleep(POLL), now).await {
                Some(Ok(position)) if position >= wanted => return Ok(()),
                Some(_) => return Err(WaitError::Stopped),
                None => {}
            }
        }
    }
}
