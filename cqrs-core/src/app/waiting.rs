//! Waiting until what was stored can be seen, or was handled.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::projection::{Projection, ProjectionState, WaitError};
use crate::store::{CommitToken, EventStore, Position};
use crate::subscription::SubscriptionState;

impl App {
    /// How far the projections have come, all together.
    pub(crate) fn shown(&self) -> u64 {
        let projections = self.0.projections.values();
        projections.map(|one| one.status().position.get()).sum()
    }

    /// Waits until a projection has moved, or long enough to look again.
    pub(crate) async fn moved(&self) {
        let mut changed: Vec<_> =
            self.0.projections.values().map(|one| Box::pin(one.moved())).collect();
        let mut pause = self.0.services.clock.sleep(Duration::from_millis(200));
        std::future::poll_fn(|cx| {
            use std::task::Poll;
            let is_moved = changed.iter_mut().any(|one| one.as_mut().poll(cx).is_ready());
            if is_moved { Poll::Ready(()) } else { pause.as_mut().poll(cx) }
        })
        .await;
    }

    /// Waits until every projection has taken in a commit, so that a query
    /// sees it.
    ///
    /// # Errors
    ///
    /// [`WaitError`] when one of them stands still, or not all are there
    /// within `limit`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for(&self, token: &CommitToken, limit: Duration) -> Result<(), WaitError> {
        self.limited(limit, self.reach(token), || self.too_late(token)).await
    }

    /// Waits until one projection has taken in a commit.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`]; [`WaitError::Stopped`] if it does not run here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_projection<P: Projection>(
        &self,
        token: &CommitToken,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let reached = async {
            let position = self.position_of(token).await?;
            let projection = self.0.projections.get(&TypeId::of::<P>());
            projection.ok_or(WaitError::Stopped)?.reached(position).await
        };
        self.limited(limit, reached, || self.too_late(token)).await
    }

    /// Waits until every event handler is done with a commit: has handled its
    /// events, or parked them.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_handlers(
        &self,
        token: &CommitToken,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let reached = async {
            let position = self.position_of(token).await?;
            for subscription in &self.0.subscriptions {
                subscription.reached(position, &*self.0.services.clock).await?;
            }
            Ok(())
        };
        self.limited(limit, reached, || self.handlers_too_late(token)).await
    }

    /// Waits until all projections have reached the head that the log has
    /// now.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn catch_up(&self, limit: Duration) -> Result<(), WaitError> {
        let info = self.0.store.info().await?;
        self.wait_for(&CommitToken::new(info.log, info.head.get()), limit).await
    }

    /// Waits until no short background job, such as taking a snapshot, is
    /// under way.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn settle(&self) {
        self.0.tasks.settled().await;
    }

    pub(super) async fn limited(
        &self,
        limit: Duration,
        reached: impl Future<Output = Result<(), WaitError>>,
        too_late: impl FnOnce() -> WaitError,
    ) -> Result<(), WaitError> {
        let mut end = self.0.services.clock.sleep(limit);
        let mut reached = Box::pin(reached);
        let ended = std::future::poll_fn(|cx| {
            use std::task::Poll;
            match reached.as_mut().poll(cx) {
                Poll::Ready(reached) => Poll::Ready(Some(reached)),
                Poll::Pending => end.as_mut().poll(cx).map(|()| None),
            }
        });
        ended.await.unwrap_or_else(|| Err(too_late()))
    }

    pub(super) async fn position_of(&self, token: &CommitToken) -> Result<Position, WaitError> {
        loop {
            if let Some(position) = self.0.store.position_of(token).await? {
                return Ok(position);
            }
            self.0.services.clock.sleep(Duration::from_millis(5)).await;
        }
    }

    async fn reach(&self, token: &CommitToken) -> Result<(), WaitError> {
        let position = self.position_of(token).await?;
        for projection in self.0.projections.values() {
            projection.reached(position).await?;
        }
        if let Some(evictor) = &self.0.evictor {
            evictor.reached(position).await?;
        }
        Ok(())
    }

    fn handlers_too_late(&self, token: &CommitToken) -> WaitError {
        let slowest = self.subscriptions().into_iter().min_by_key(|status| status.position);
        slowest.map_or(WaitError::Stopped, |status| {
            let (reader, reached) = (status.name, status.position);
            match status.state {
                SubscriptionState::Failing(reason) => WaitError::Stuck { reader, reached, reason },
                _ => {
                    let wanted = Position::new(token.mark());
                    WaitError::TooLate { reader, reached, wanted }
                }
            }
        })
    }

    fn too_late(&self, token: &CommitToken) -> WaitError {
        let slowest = self.projections().into_iter().min_by_key(|status| status.position);
        slowest.map_or(WaitError::Stopped, |status| {
            let (reader, reached): (Arc<str>, _) = (status.name.into(), status.position);
            match status.state {
                ProjectionState::Failing(reason) => WaitError::Stuck { reader, reached, reason },
                _ => {
                    let wanted = crate::store::Position::new(token.mark());
                    WaitError::TooLate { reader, reached, wanted }
                }
            }
        })
    }
}
