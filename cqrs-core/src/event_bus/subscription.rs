//! What a subscriber's owner holds.

use std::fmt;
use std::sync::Arc;

/// A place among the subscribers of a bus.
///
/// Dropping it changes nothing: a subscriber that is set up once need not be
/// held. Clones are of the same place.
#[derive(Clone)]
pub struct Subscription {
    name: Arc<str>,
    end: Arc<dyn Fn() + Send + Sync>,
}

impl Subscription {
    /// For buses: a place that a function gives up. It is called as often as
    /// the owner says so.
    #[must_use]
    pub fn new(name: Arc<str>, end: impl Fn() + Send + Sync + 'static) -> Self {
        Self { name, end: Arc::new(end) }
    }

    /// The subscriber's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the place up: no event that is published from now on comes here.
    /// Those published before are still handled. A second call does nothing.
    pub fn unsubscribe(&self) {
        (self.end)();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({:?})", self.name)
    }
}
