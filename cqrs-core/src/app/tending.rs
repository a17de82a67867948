//! Event handlers from outside: how far they are, and where they go on.

use std::sync::Arc;

use super::App;
use crate::store::CommitError;
use crate::subscription::{DeadLetters, Start, SubscriptionHandle, SubscriptionStatus};

impl App {
    /// How far each event handler is, sorted by name.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let mut all: Vec<_> = self.0.subscriptions.iter().map(SubscriptionHandle::status).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Lets an event handler stand still behind the events at hand, with those
    /// of its parts that this process works on or comes to work on; they stay
    /// here. `false` if there is none of that name.
    pub fn pause_handler(&self, name: &str) -> bool {
        self.control(name, true)
    }

    /// Lets a paused event handler go on. `false` if there is none of that
    /// name.
    pub fn resume_handler(&self, name: &str) -> bool {
        self.control(name, false)
    }

    /// Sets the place of an event handler, with all its parts, to the
    /// beginning of the log or behind its end. Events that it has handled come
    /// again, or those that it has not are left out. Whoever runs it goes on
    /// there within a few seconds. `false` if there is none of that name.
    ///
    /// # Errors
    ///
    /// [`CommitError`] when the store cannot do it, or a build that divides the
    /// handler into another number of parts works on it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves some parts set and others not.
    pub async fn reset_handler(&self, name: &str, to: Start) -> Result<bool, CommitError> {
        let mut found = false;
        for one in self.0.subscriptions.iter().filter(|one| one.is_of(name)) {
            one.reset(&self.0.store, &self.0.services, to).await?;
            found = true;
        }
        Ok(found)
    }

    fn control(&self, name: &str, pause: bool) -> bool {
        let found = self.0.subscriptions.iter().filter(|one| one.is_of(name));
        found.map(|one| one.pause(pause)).count() > 0
    }

    /// The events that event handlers have parked.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.0.store.clone(), Arc::clone(&self.0.services))
    }
}
