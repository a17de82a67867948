//! Events that a handler could not handle, kept until somebody decides.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::parts::hash;
use crate::error::{Code, ErrorCode};
use crate::message::{EventId, Timestamp};
use crate::runtime::Services;
use crate::store::{
    CommitError, Direction, EventStore, Position, ReadError, Store, StreamId, TableName, UnitOfWork,
};

/// An event that a handler has parked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The handler's name, with its part.
    pub handler: Arc<str>,
    /// Where the event stands in the log.
    pub position: Position,
    /// The event.
    pub event_id: EventId,
    /// Its stored type.
    pub event_type: String,
    /// The stream that it belongs to, as text.
    pub stream: String,
    /// Why it is here.
    pub reason: ParkedFor,
    /// Since when.
    pub parked_at: Timestamp,
    /// Whether somebody has asked that it be tried again.
    pub wanted: bool,
}

/// Why an event is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParkedFor {
    /// Its handler has failed.
    Failed {
        /// The code of the last error.
        code: String,
        /// The last error.
        error: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// An earlier event of its stream is parked.
    Behind {
        /// Where that one stands.
        position: u64,
    },
}

/// The content of a row.
#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) event_id: EventId,
    pub(super) event_type: String,
    pub(super) stream: String,
    /// Says which part the stream belongs to.
    pub(super) hash: u64,
    pub(super) reason: ParkedFor,
    pub(super) parked_at: Timestamp,
}

/// What is to be done with a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    Retry,
    Discard,
}

impl Wanted {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("a word is JSON")
    }
}

/// The dead letters of an application's event handlers, or of another
/// process's on the same store.
#[derive(Clone)]
pub struct DeadLetters {
    store: Store,
    services: Arc<Services>,
}

/// A dead letter could not be read or asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// No such event is parked.
    #[error("`{handler}` has parked no event at position {position}")]
    NotParked {
        /// The handler.
        handler: String,
        /// The position.
        position: Position,
    },
    /// A row is not one of a dead letter.
    #[error("the dead letter of `{handler}` at position {position} cannot be read")]
    Row {
        /// The handler.
        handler: String,
        /// The position.
        position: Position,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store did not commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl ErrorCode for DeadLetterError {
    fn code(&self) -> Code {
        match self {
            Self::NotParked { .. } => Code::INVALID_INPUT,
            Self::Row { .. } => Code::ROW_CONTENT,
            Self::Read(error) => error.code(),
            Self::Commit(error) => error.code(),
        }
    }
}

impl DeadLetters {
    pub(crate) fn new(store: Store, services: Arc<Services>) -> Self {
        Self { store, services }
    }

    /// The dead letters of a handler behind a position, in the order of the
    /// log, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`DeadLetterError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn list(
        &self,
        handler: &str,
        after: Position,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let from = Bound::Excluded(key(after));
        let rows = self
            .store
            .rows(&letters_of(handler), (from, Bound::Unbounded), Direction::Forward, limit)
            .await?;
        let mut letters = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let position = position_of(&key);
            let wanted = self.store.row(&wanted_of(handler), &key).await?.is_some();
            let read = serde_json::from_slice::<Row>(&row).map_err(|source| {
                DeadLetterError::Row { handler: handler.to_owned(), position, source }
            })?;
            let Row { event_id, event_type, stream, reason, parked_at, hash: _ } = read;
            let handler = Arc::from(handler);
            letters.push(DeadLetter {
                handler,
                position,
                event_id,
                event_type,
                stream,
                reason,
                parked_at,
                wanted,
            });
        }
        Ok(letters)
    }

    /// Asks that an event be tried again, by whichever process runs the
    /// handler. When it succeeds, those parked behind it follow.
    ///
    /// # Errors
    ///
    /// [`DeadLetterError::NotParked`] if it is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the wish recorded or not.
    pub async fn retry(&self, handler: &str, position: Position) -> Result<(), DeadLetterError> {
        self.want(handler, position, Wanted::Retry).await
    }

    /// Asks that an event be given up: it is removed, and those parked behind
    /// it follow.
    ///
    /// # Errors
    ///
    /// As [`retry`](Self::retry).
    ///
    /// # Cancel safety
    ///
    /// As [`retry`](Self::retry).
    pub async fn discard(&self, handler: &str, position: Position) -> Result<(), DeadLetterError> {
        self.want(handler, position, Wanted::Discard).await
    }

    async fn want(
        &self,
        handler: &str,
        position: Position,
        wanted: Wanted,
    ) -> Result<(), DeadLetterError> {
        let key = key(position);
        if self.store.row(&letters_of(handler), &key).await?.is_none() {
            return Err(DeadLetterError::NotParked { handler: handler.to_owned(), position });
        }
        let work = UnitOfWork::fresh(&self.services);
        self.store.commit(work.put(wanted_of(handler), key, wanted.to_bytes())).await?;
        Ok(())
    }
}

impl std::fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeadLetters")
    }
}

impl Row {
    pub(super) fn of(
        event: &crate::store::RecordedEvent,
        reason: ParkedFor,
        now: Timestamp,
    ) -> Self {
        Self {
            event_id: event.id(),
            event_type: event.event_type().as_str().to_owned(),
            stream: stream_text(event.stream()),
            hash: hash(event.stream()),
            reason,
            parked_at: now,
        }
    }

    /// The hash in a stored row, `None` if it cannot be read.
    pub(super) fn hash_in(row: &[u8]) -> Option<u64> {
        serde_json::from_slice::<Self>(row).ok().map(|row| row.hash)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a dead letter is made of text and numbers")
    }
}

/// The text by which the streams of dead letters are compared.
pub(super) fn stream_text(stream: &StreamId) -> String {
    stream.to_string()
}

/// The table of a handler's dead letters.
pub(super) fn letters_of(handler: &str) -> TableName {
    format!("dead letters {handler}").into()
}

/// The table of what is to be done with them.
pub(super) fn wanted_of(handler: &str) -> TableName {
    format!("dead letters wanted {handler}").into()
}

/// Keys sort like positions.
pub(super) fn key(position: Position) -> Bytes {
    Bytes::copy_from_slice(&position.get().to_be_bytes())
}

pub(super) fn position_of(key: &[u8]) -> Position {
    let bytes = key.try_into().map_or(0, u64::from_be_bytes);
    Position::new(bytes)
}
