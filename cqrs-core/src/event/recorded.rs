//! A typed event with everything the store knows about it.

use std::ops::Deref;

use super::{DecodeError, Decoded, Event};
use crate::aggregate::{AggregateId, InvalidId};
use crate::store::RecordedEvent;

/// A typed event and its record; derefs to the record.
#[derive(Clone, Debug)]
pub struct Recorded<E> {
    data: E,
    record: RecordedEvent,
}

impl<E: Event> Recorded<E> {
    /// Decodes a record. What it has become, one event or several, shares the
    /// record.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`].
    #[inline]
    pub fn decode(record: RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
        Ok(match E::decode(&record)? {
            Decoded::One(data) => Decoded::One(Self { data, record }),
            others => others.map(|data| Self { data, record: record.clone() }),
        })
    }
}

impl<E> Recorded<E> {
    pub(crate) fn new(data: E, record: RecordedEvent) -> Self {
        Self { data, record }
    }

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
