//! The receipt of a commit, and the signal that wakes readers.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use super::few::Few;
use super::{LogId, Position, StreamId, StreamVersion};
use crate::message::{OperationId, Timestamp};

/// The receipt of a unit of work that committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(Box<Content>);

/// In a box, since a receipt passes through many hands before it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    operation: OperationId,
    streams: Few<(StreamId, StreamVersion)>,
    token: CommitToken,
    recorded_at: Timestamp,
    /// What only a resolved or repeated commit has.
    record: Option<Box<Record>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    fingerprint: u128,
    reply: Bytes,
    repeated: bool,
}

static NO_RECORD: Record = Record { fingerprint: 0, reply: Bytes::new(), repeated: false };

/// An opaque mark of a commit, to wait for it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CommitToken {
    log: LogId,
    mark: u64,
}

impl Commit {
    /// For stores: a receipt.
    #[must_use]
    pub fn new(
        operation: OperationId,
        streams: Vec<(StreamId, StreamVersion)>,
        token: CommitToken,
        recorded_at: Timestamp,
    ) -> Self {
        Self::of(operation, streams.into(), token, recorded_at)
    }

    #[inline]
    pub(crate) fn of(
        operation: OperationId,
        streams: Few<(StreamId, StreamVersion)>,
        token: CommitToken,
        recorded_at: Timestamp,
    ) -> Self {
        Self(Box::new(Content { operation, streams, token, recorded_at, record: None }))
    }

    #[inline]
    fn record(&self) -> &Record {
        self.0.record.as_deref().unwrap_or(&NO_RECORD)
    }

    /// For stores: what was recorded with the operation.
    #[must_use]
    pub fn with_record(mut self, fingerprint: u128, reply: Bytes) -> Self {
        let record = self.0.record.get_or_insert_default();
        record.fingerprint = fingerprint;
        record.reply = reply;
        self
    }

    /// For stores: marks the receipt as that of an earlier commit.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.0.record.get_or_insert_default().repeated = true;
        self
    }

    /// The operation that committed.
    #[must_use]
    pub fn operation(&self) -> OperationId {
        self.0.operation
    }

    /// The new version of each stream that the unit appended to.
    #[must_use]
    pub fn streams(&self) -> &[(StreamId, StreamVersion)] {
        &self.0.streams
    }

    /// The mark of this commit, for reading one's own write.
    #[must_use]
    pub fn token(&self) -> &CommitToken {
        &self.0.token
    }

    /// When the store recorded the events; never goes back along the log.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.0.recorded_at
    }

    /// The fingerprint of the request that committed; set by
    /// [`resolve`](super::EventStore::resolve) and on a repeated commit.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.record().fingerprint
    }

    /// The encoded answer that was recorded with the operation, empty for
    /// none.
    #[must_use]
    pub fn reply(&self) -> &Bytes {
        &self.record().reply
    }

    /// Whether an earlier call had committed the same operation.
    #[must_use]
    #[inline]
    pub fn is_repeated(&self) -> bool {
        self.record().repeated
    }
}

impl CommitToken {
    /// For stores: a token. What `mark` means is the store's affair.
    #[must_use]
    pub fn new(log: LogId, mark: u64) -> Self {
        Self { log, mark }
    }

    /// The log that the commit belongs to.
    #[must_use]
    pub fn log(&self) -> LogId {
        self.log
    }

    /// For stores: the mark.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark
    }
}

/// The sending side of a [`CommitWatch`], held by a store. Raising it costs
/// one atomic step while nobody watches.
pub struct CommitSignal {
    head: AtomicU64,
    watchers: watch::Sender<Position>,
}

/// Wakes when a store has committed.
#[derive(Clone)]
pub struct CommitWatch(watch::Receiver<Position>);

impl CommitSignal {
    /// A signal that starts at a position.
    #[must_use]
    pub fn new(head: Position) -> Self {
        Self { head: AtomicU64::new(head.get()), watchers: watch::Sender::new(head) }
    }

    /// Raises the signal; a lower position changes nothing.
    pub fn raise(&self, head: Position) {
        // The order makes a watcher that subscribes meanwhile either be
        // counted here or read the new head there.
        self.head.fetch_max(head.get(), Ordering::SeqCst);
        if self.watchers.receiver_count() > 0 {
            self.tell();
        }
    }

    /// A receiver of it.
    #[must_use]
    pub fn watch(&self) -> CommitWatch {
        let receiver = self.watchers.subscribe();
        self.tell();
        CommitWatch(receiver)
    }

    fn tell(&self) {
        let head = Position::new(self.head.load(Ordering::SeqCst));
        self.watchers.send_if_modified(|now| {
            let risen = head > *now;
            *now = (*now).max(head);
            risen
        });
    }
}

impl CommitWatch {
    /// The highest position known to be committed.
    #[must_use]
    pub fn head(&self) -> Position {
        *self.0.borrow()
    }

    /// Waits until the head lies above `position`. Never returns when the
    /// store is gone: bound it by a poll.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn above(&mut self, position: Position) {
        if self.0.wait_for(|head| *head > position).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for CommitSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommitSignal").field(&self.head).finish()
    }
}

impl fmt::Debug for CommitWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommitWatch").field(&self.head()).finish()
    }
}
