//! What a running handler knows of its dead letters: which streams stand
//! still, and behind which events.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::dead_letter::{Row, Wanted, letters_of, position_of, stream_text, wanted_of};
use super::rows::all_rows;
use crate::store::{Position, ReadError, Store, StreamId};

/// The parked events of one handler, by stream.
#[derive(Default)]
pub(super) struct Letters {
    streams: HashMap<String, BTreeSet<Position>>,
    places: BTreeMap<Position, String>,
}

impl Letters {
    /// Reads those that are there.
    pub(super) async fn load(store: &Store, handler: &str) -> Result<Self, ReadError> {
        let mut letters = Self::default();
        for (key, row) in all_rows(store, &letters_of(handler)).await? {
            match serde_json::from_slice::<Row>(&row) {
                Ok(row) => letters.add(row.stream, position_of(&key)),
                Err(error) => {
                    tracing::error!(target: "cqrs::event", handler, %error, "a dead letter cannot be read");
                }
            }
        }
        Ok(letters)
    }

    pub(super) fn add(&mut self, stream: String, position: Position) {
        self.places.insert(position, stream.clone());
        self.streams.entry(stream).or_default().insert(position);
    }

    pub(super) fn remove(&mut self, position: Position) {
        let Some(stream) = self.places.remove(&position) else { return };
        if let Some(places) = self.streams.get_mut(&stream) {
            places.remove(&position);
            if places.is_empty() {
                self.streams.remove(&stream);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn holds(&self, position: Position) -> bool {
        self.places.contains_key(&position)
    }

    /// The first parked event of a stream.
    pub(super) fn blocks(&self, stream: &StreamId) -> Option<Position> {
        if self.streams.is_empty() {
            return None;
        }
        self.streams.get(&stream_text(stream))?.first().copied()
    }

    /// The parked event that stands in front of all others of its stream.
    pub(super) fn is_first(&self, position: Position) -> bool {
        let stream = self.places.get(&position);
        let places = stream.and_then(|stream| self.streams.get(stream));
        places.is_some_and(|places| places.first() == Some(&position))
    }

    /// What waits behind an event of a stream.
    pub(super) fn behind(&self, stream: &str, position: Position) -> Option<Position> {
        let behind = (Bound::Excluded(position), Bound::Unbounded);
        self.streams.get(stream)?.range(behind).next().copied()
    }
}

/// What is to be done with some of them, in the order of the log.
pub(super) async fn wanted(
    store: &Store,
    handler: &str,
) -> Result<Vec<(Position, Wanted)>, ReadError> {
    let rows = all_rows(store, &wanted_of(handler)).await?;
    let wanted = rows
        .iter()
        .filter_map(|(key, value)| Some((position_of(key), serde_json::from_slice(value).ok()?)));
    Ok(wanted.collect())
}
