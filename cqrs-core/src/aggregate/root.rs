//! One loaded aggregate with the events it has not saved yet.

use super::{Aggregate, Apply};
use crate::store::{StreamId, StreamVersion};

/// A state, its version, and the events recorded since it was loaded.
#[derive(Debug)]
#[must_use = "recorded events are lost unless the root is saved"]
pub struct Root<A: Aggregate> {
    pub(super) stream: StreamId,
    state: A,
    version: StreamVersion,
    uncommitted: Vec<A::Event>,
}

impl<A: Apply> Root<A> {
    pub(crate) fn new(stream: StreamId, state: A, version: StreamVersion) -> Self {
        Self { stream, state, version, uncommitted: Vec::new() }
    }

    /// The state, recorded events included.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// The stored version, recorded events not included.
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// The stream.
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Whether the stream has any stored event.
    pub fn exists(&self) -> bool {
        self.version > StreamVersion::NONE
    }

    /// The events recorded and not yet saved.
    pub fn uncommitted(&self) -> &[A::Event] {
        &self.uncommitted
    }

    /// Applies an event and keeps it for saving.
    pub fn record(&mut self, event: A::Event) {
        self.state.apply(&event);
        self.uncommitted.push(event);
    }

    /// Decides by a function over the state and records its events.
    ///
    /// # Errors
    ///
    /// The rejection; nothing is recorded then.
    pub fn decide<R>(&mut self, decide: impl FnOnce(&A) -> R) -> Result<R::Value, A::Error>
    where
        R: super::IntoDecision<A>,
    {
        let (events, value) = decide(&self.state).into_decision()?.into_parts();
        events.into_iter().for_each(|event| self.record(event));
        Ok(value)
    }

    pub(super) fn take_uncommitted(&mut self) -> Vec<A::Event> {
        std::mem::take(&mut self.uncommitted)
    }

    pub(super) fn saved(&mut self, events: u64) {
        self.version = self.version.plus(events);
    }
}
