//! A typed event with everything the store knows about it.

use std::ops::Deref;

use super::{DecodeError, EncodedEvent, Event};
use crate::aggregate::{AggregateId, InvalidId};
use crate::store::RecordedEvent;

/// A typed event and its record; derefs to the record.
#[derive(Clone, Debug)]
pub struct Recorded<E> {
    data: E,
    record: RecordedEvent,
}

impl<E: Event> Recorded<E> {
    /// Decodes a record.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`].
    pub fn decode(record: RecordedEvent) -> Result<Self, DecodeError> {
        let data = E::decode(EncodedEvent::of(&record))?;
        Ok(Self { data, record })
    }
}

impl<E> Recorded<E> {
    /// The event.
    #[must_use]
    pub fn data(&self) -> &E {
        &self.data
    }

    /// The event.
    #[must_use]
    pub fn into_data(self) -> E {
        self.data
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &RecordedEvent {
        &self.record
    }

    /// The id of the aggregate in whose stream the event stands.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the stream's key is no such id.
    pub fn aggregate_id<I: AggregateId>(&self) -> Result<I, InvalidId> {
        I::from_key(self.record.stream().key())
    }
}

impl<E> Deref for Recorded<E> {
    type Target = RecordedEvent;

    fn deref(&self) -> &RecordedEvent {
        &self.record
    }
}
