//! One loaded aggregate with the events it has not saved yet.

use super::load::Replayed;
use super::{Aggregate, Apply, LoadError, SaveError};
use crate::error::{Code, ErrorCode};
use crate::event::{Deleted, Restored};
use crate::store::{StreamId, StreamVersion};

/// A state, its version, and the events recorded since it was loaded.
#[derive(Debug)]
#[must_use = "recorded events are lost unless the root is saved"]
pub struct Root<A: Aggregate> {
    pub(super) stream: StreamId,
    state: A,
    version: StreamVersion,
    deleted: bool,
    uncommitted: Vec<A::Event>,
    /// A deletion or restoration that is not saved yet, and how many of the
    /// events stand before it.
    pub(super) ending: Option<(usize, Ending)>,
}

/// What the framework records of an aggregate.
#[derive(Debug)]
pub(super) enum Ending {
    Deleted(Deleted),
    Restored(Restored),
}

/// An aggregate cannot be deleted or restored as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// There is nothing to delete.
    #[error("it has no events")]
    Missing,
    /// It is deleted already.
    #[error("it is deleted already")]
    Deleted,
    /// It is not deleted.
    #[error("it is not deleted")]
    NotDeleted,
    /// It cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It was not saved.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl ErrorCode for LifecycleError {
    fn code(&self) -> Code {
        match self {
            Self::Missing => Code::AGGREGATE_MISSING,
            Self::Deleted => Code::AGGREGATE_DELETED,
            Self::NotDeleted => Code::AGGREGATE_NOT_DELETED,
            Self::Load(error) => error.code(),
            Self::Save(error) => error.code(),
        }
    }
}

impl<A: Apply> Root<A> {
    pub(super) fn new(stream: StreamId, replayed: Replayed<A>) -> Self {
        let Replayed { state, version, deleted, .. } = replayed;
        Self { stream, state, version, deleted, uncommitted: Vec::new(), ending: None }
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

    /// Whether the aggregate is deleted; it takes no commands then.
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Deletes the aggregate once this is saved: an event of the framework,
    /// [`Deleted`], is recorded in its stream, and commands to it fail with
    /// [`BusError::AggregateDeleted`](crate::BusError::AggregateDeleted) until
    /// it is restored. Its events stay.
    ///
    /// # Errors
    ///
    /// [`LifecycleError`] when it is deleted already, or has no events.
    pub fn delete(&mut self, reason: impl Into<String>) -> Result<(), LifecycleError> {
        if self.deleted {
            return Err(LifecycleError::Deleted);
        }
        if !self.exists() && self.uncommitted.is_empty() {
            return Err(LifecycleError::Missing);
        }
        self.end(true, Ending::Deleted(Deleted::new(reason)));
        Ok(())
    }

    /// Restores a deleted aggregate once this is saved: an event of the
    /// framework, [`Restored`], is recorded in its stream.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::NotDeleted`].
    pub fn restore(&mut self, reason: impl Into<String>) -> Result<(), LifecycleError> {
        if !self.deleted {
            return Err(LifecycleError::NotDeleted);
        }
        self.end(false, Ending::Restored(Restored::new(reason)));
        Ok(())
    }

    /// A second one that is not saved yet takes the first one back.
    fn end(&mut self, deleted: bool, ending: Ending) {
        self.deleted = deleted;
        self.ending = match self.ending.take() {
            Some(_) => None,
            None => Some((self.uncommitted.len(), ending)),
        };
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

    /// Whether something was recorded while the aggregate was deleted.
    pub(super) fn outlives_itself(&self) -> bool {
        match &self.ending {
            None => self.deleted && !self.uncommitted.is_empty(),
            Some((before, Ending::Deleted(_))) => *before < self.uncommitted.len(),
            Some((before, Ending::Restored(_))) => *before > 0,
        }
    }

    /// Everything recorded was saved.
    pub(super) fn saved(&mut self) {
        let events = self.uncommitted.len() + usize::from(self.ending.take().is_some());
        self.uncommitted.clear();
        self.version = self.version.plus(events as u64);
    }
}
