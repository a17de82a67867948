//! A worker's place in the log: where it stands, whether it is the one that
//! may move it, and what comes next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::lookout::{Heads, Lookout, POLL};
use crate::event::Event;
use crate::runtime::{Services, TaskSet, race};
use crate::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, Epoch, EventQuery, EventStore, LogId, Pages,
    Position, ReadError, ReadRequest, Store,
};

/// Events of the first page behind a place, and of the largest.
const FIRST_PAGE: usize = 500;
const PAGE: usize = 2_000;
/// How long to wait for a wake-up before reading anyway.
pub(crate) const BACKSTOP: Duration = Duration::from_secs(2);
/// How long to wait after an error, doubled up to the second.
pub(crate) const BACK_OFF: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_secs(5));
/// How long a standby lets the other worker make no progress.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// Follows the log for one reader.
pub(crate) struct Follower {
    pub(crate) store: Store,
    pub(crate) lookout: Lookout,
    pub(crate) services: Arc<Services>,
    pub(crate) tasks: TaskSet,
    pub(crate) checkpoint: CheckpointName,
    pub(crate) query: EventQuery,
}

/// A place in the log, claimed or only looked at.
pub(crate) struct Place {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) log: LogId,
    pub(crate) position: Position,
    /// As far as the place is stored.
    pub(crate) stored: Position,
}

/// Whose turn it is.
pub(crate) enum Claimed {
    /// This worker's.
    Ours(Epoch),
    /// This worker's, but another one has moved the place meanwhile: what was
    /// read is of no use.
    Moved,
}

impl Place {
    pub(crate) fn at(log: LogId, position: Position, epoch: Option<Epoch>) -> Self {
        Self { epoch, log, position, stored: position }
    }

    pub(crate) fn cursor(&self, position: Position) -> Cursor {
        Cursor { log: self.log, position }
    }
}

impl Follower {
    /// The place as it stands, not claimed; `None` if it is in another log.
    pub(crate) async fn look(&self) -> Result<Option<Place>, ReadError> {
        let log = self.store.info().await?.log;
        let checkpoint = self.store.checkpoint(&self.checkpoint).await?;
        let position = position(checkpoint.and_then(|found| found.cursor), log);
        Ok(position.map(|position| Place::at(log, position, None)))
    }

    /// Takes the place over, wherever it is: `Err` holds the epoch with which
    /// it may be moved into this log.
    pub(crate) async fn take_over(&self) -> Result<Result<Place, (LogId, Epoch)>, CommitError> {
        let log = self.store.info().await.map_err(unread)?.log;
        let Checkpoint { epoch, cursor, .. } =
            self.store.claim_checkpoint(&self.checkpoint).await?;
        Ok(match position(cursor, log) {
            Some(position) => Ok(Place::at(log, position, Some(epoch))),
            None => Err((log, epoch)),
        })
    }

    /// What follows a place.
    pub(crate) fn pages(&self, cursor: Cursor) -> Pages {
        let request = ReadRequest::all().matching(self.query.clone()).resume(cursor);
        Pages::new(&self.store, request.limit(FIRST_PAGE), PAGE)
    }

    /// Claims the place, once there is something to take in: a process that
    /// merely looks takes nothing away from the one that works.
    pub(crate) async fn claim<E>(&self, place: &mut Place) -> Result<Claimed, E>
    where
        E: From<ReadError> + From<CommitError>,
    {
        if let Some(epoch) = place.epoch {
            return Ok(Claimed::Ours(epoch));
        }
        let Checkpoint { epoch, cursor, .. } =
            self.store.claim_checkpoint(&self.checkpoint).await?;
        let Some(claimed) = position(cursor, place.log) else {
            let cursor = cursor.map_or(place.log, |cursor| cursor.log);
            return Err(ReadError::OtherLog { cursor, log: place.log }.into());
        };
        let unmoved = claimed == place.stored;
        *place = Place::at(place.log, claimed, Some(epoch));
        Ok(if unmoved { Claimed::Ours(epoch) } else { Claimed::Moved })
    }

    /// Waits for a commit, or so long.
    pub(crate) async fn wake(
        &self,
        heads: &mut Heads,
        position: Position,
        backstop: Duration,
        hurry: impl Future<Output = ()>,
    ) {
        let commit = first(heads.above(position), self.services.clock.sleep(backstop));
        first(commit, first(hurry, self.tasks.stopped())).await;
    }

    pub(crate) async fn pause(&self, duration: Duration) {
        first(self.services.clock.sleep(duration), self.tasks.stopped()).await;
    }

    /// Tells where the place is, without end: again and again, and whenever
    /// somebody is in a hurry.
    pub(crate) async fn watch(
        &self,
        every: Duration,
        hurry: &Notify,
        mut seen: impl FnMut(Result<Position, ReadError>),
    ) {
        loop {
            let found = self.store.checkpoint(&self.checkpoint).await;
            seen(found.map(|found| cursor_position(found.as_ref())));
            first(self.services.clock.sleep(every), hurry.notified()).await;
        }
    }

    /// Watches the other worker until it makes no progress although there are
    /// events behind its place.
    pub(crate) async fn stand_by(&self, mut seen_at: impl FnMut(Position)) {
        let mut seen = Position::NONE;
        let mut since = self.services.clock.monotonic();
        let mut heads = self.lookout.watch();
        while !self.tasks.is_stopping() {
            self.pause(POLL).await;
            let (Ok(Some(checkpoint)), Ok(info)) =
                (self.store.checkpoint(&self.checkpoint).await, self.store.info().await)
            else {
                continue;
            };
            let at = cursor_position(Some(&checkpoint));
            seen_at(at);
            let now = self.services.clock.monotonic();
            if at > seen || at >= info.head {
                (seen, since) = (at.max(seen), now);
                if at >= info.head {
                    self.wake(&mut heads, at, BACKSTOP, std::future::pending()).await;
                    since = self.services.clock.monotonic();
                }
            } else if now.saturating_sub(since) >= TAKE_OVER {
                return;
            }
        }
    }
}

/// Every name under which events of an enum are stored.
pub(crate) fn stored_names<E: Event>() -> impl Iterator<Item = &'static str> {
    let formerly = E::TYPES.iter().flat_map(|one| one.formerly.iter().copied());
    let retired = E::RETIRED.iter().copied();
    E::TYPES.iter().map(|one| one.name).chain(formerly).chain(retired)
}

/// Where a checkpoint stands, in whatever log.
fn cursor_position(found: Option<&Checkpoint>) -> Position {
    let cursor = found.and_then(|found| found.cursor);
    cursor.map_or(Position::NONE, |cursor| cursor.position)
}

/// Where a cursor stands, `None` if that is in another log.
fn position(cursor: Option<Cursor>, log: LogId) -> Option<Position> {
    match cursor {
        Some(cursor) => (cursor.log == log).then_some(cursor.position),
        None => Some(Position::NONE),
    }
}

/// What keeps a place from being moved when it cannot be read.
pub(super) fn unread(error: ReadError) -> CommitError {
    let transient = error.is_retryable();
    CommitError::Unavailable { reason: error.to_string().into(), transient }
}

/// Ends with the first of two futures.
pub(crate) async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    race(other, one).await;
}
