//! How far a projection is.

use std::sync::Arc;

use crate::store::Position;

/// Where a projection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// Everything up to here is in its rows.
    pub position: Position,
    /// What it does.
    pub state: ProjectionState,
}

/// What a projection does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// It takes in events that were there before.
    CatchingUp,
    /// It waits for new events.
    Live,
    /// Another worker has taken it over; this one watches and takes it back
    /// when the other stops.
    Standby,
    /// It could not take in an event, and tries again.
    Failing(Arc<str>),
    /// It has ended.
    Stopped,
}
