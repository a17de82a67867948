//! How far an event handler is.

use std::sync::Arc;

use crate::store::Position;

/// Where an event handler stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionStatus {
    /// The handler's name, with its part where it has several: `mails/3of8`.
    pub name: Arc<str>,
    /// It is done with everything up to here.
    pub position: Position,
    /// Events that it has parked and that still are.
    pub parked: u64,
    /// What it does.
    pub state: SubscriptionState,
}

/// What an event handler does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It takes events that were there before.
    CatchingUp,
    /// It waits for new events.
    Live,
    /// Another process works on it, or nobody does yet. This one watches how
    /// far it is, and works on it when it is its turn.
    Standby,
    /// It was told to pause.
    Paused,
    /// It stands still, and tries again.
    Failing(Arc<str>),
    /// It has ended.
    Stopped,
}
