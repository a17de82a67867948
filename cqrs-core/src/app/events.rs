//! The event bus of an application, as its users see it.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::event_bus::EventBus;
use crate::projection::WaitError;
use crate::store::{CommitToken, Position};

impl App {
    /// The events that were stored, for subscribers in this process: each is
    /// published here once it is in the log, in the order of the log, from the
    /// first subscription on. What was not stored is published to nobody; what
    /// cannot be published is stored all the same, and reported in the bus's
    /// [errors](EventBus::errors). Events of this process that are stored
    /// nowhere may be published beside them.
    ///
    /// Where the bus is synchronous, [`App::execute`] answers when the
    /// subscribers have handled what the command stored, or after
    /// `command_bus.timeout`; not inside such a subscriber, which would wait
    /// for itself.
    ///
    /// A subscriber keeps no place: it misses what was stored while this
    /// process did not run. An event handler misses nothing. Subscribe within
    /// the runtime that shall run the subscribers. One that holds the
    /// application keeps it alive until it is unsubscribed.
    ///
    /// ```
    /// use cqrs_core::event_bus::{EventBus, Interest, Handler, Subscriber};
    /// # use cqrs_core::prelude::*;
    /// # fn listen(app: &App) {
    /// let log = Handler::new(|event| Ok(println!("{} happened", event.event_type())));
    /// app.events().subscribe(Subscriber::new("log", Interest::everything(), log));
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> &Arc<dyn EventBus> {
        self.0.feed.events()
    }

    /// Waits until the subscribers of the event bus are done with a commit, and
    /// with what is on the bus beside it.
    ///
    /// # Errors
    ///
    /// [`WaitError::TooLate`] when they are not within `limit`, and
    /// [`WaitError::Stuck`] inside one of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_events(
        &self,
        token: &CommitToken,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let reader: Arc<str> = "event bus".into();
        if self.events().is_nested() {
            let (reached, reason) = (self.0.feed.position(), "its own subscriber waits".into());
            return Err(WaitError::Stuck { reader, reached, reason });
        }
        let handled = async {
            self.0.feed.reached(self.position_of(token).await?).await;
            self.events().wait().await.map_err(|_| WaitError::Stopped)
        };
        let too_late = || {
            let (reached, wanted) = (self.0.feed.position(), Position::new(token.mark()));
            WaitError::TooLate { reader, reached, wanted }
        };
        self.limited(limit, handled, too_late).await
    }

    /// Waits until what a call has stored was handled on a synchronous bus.
    pub(super) async fn announced(&self, token: &CommitToken, remaining: Option<Duration>) {
        let limit = self.config().command_bus.timeout;
        let limit = remaining.map_or(limit, |remaining| remaining.min(limit));
        let announced = async {
            self.0.feed.reached(self.position_of(token).await?).await;
            Ok(())
        };
        if self.limited(limit, announced, || WaitError::Stopped).await.is_err() {
            tracing::warn!(target: "cqrs::event_bus", "subscribers take longer than the call may");
        }
    }
}
