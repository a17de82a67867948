//! The task that keeps a projection up with the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::rows::{Delivery, KeptRows};
use super::{Project, ProjectionError, ProjectionState, ProjectionStatus, WaitError};
use crate::aggregate::panic_message;
use crate::bus::CatchPanic;
use crate::error::report;
use crate::event::{Decoded, Event, Recorded};
use crate::runtime::{Services, TaskSet};
use crate::store::{
    Cursor, Epoch, EventQuery, EventStore, LogId, Page, Pages, Position, Store, UnitOfWork,
};
use crate::subscription::{
    BACK_OFF, BACKSTOP, Claimed, Follower, Lookout, Place, first, stored_names,
};

/// Pages that are taken in between two commits. An event that fails takes
/// those before it in its batch along, so that a batch has one page then, and
/// twice as many each time that it succeeds.
const STRETCH: usize = 64;
/// A batch also ends once this many rows have changed,
const CHANGES: usize = 5_000;
/// or when it has taken so long.
const LONG: Duration = Duration::from_millis(500);
/// At least this long between two small batches, so that a busy log is not
/// followed event by event. Whoever waits for the projection ends the pause.
const PAUSE: Duration = Duration::from_millis(10);
/// Positions without matching events after which the place is stored anyway.
const STRIDE: u64 = 10_000;

/// What an application holds of a running projection.
#[derive(Clone, Debug)]
pub(crate) struct RunnerHandle {
    status: watch::Receiver<ProjectionStatus>,
    hurry: Arc<tokio::sync::Notify>,
}

pub(crate) struct Runner<P: Project> {
    projection: P,
    follower: Follower,
    rows: KeptRows<P>,
    /// Pages that the next batch may take.
    stretch: usize,
    /// Tries that the next batch has behind it.
    failures: u32,
    /// The head of the log when this worker began to follow it.
    began_at: Position,
    status: watch::Sender<ProjectionStatus>,
    hurry: Arc<tokio::sync::Notify>,
}

/// What was taken in together.
struct Batch {
    taken: usize,
    /// Whether nothing more was there.
    last: bool,
}

impl RunnerHandle {
    pub(crate) fn status(&self) -> ProjectionStatus {
        self.status.borrow().clone()
    }

    /// Waits for the next change of the status.
    pub(crate) async fn moved(&self) {
        let mut status = self.status.clone();
        status.mark_unchanged();
        if status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the projection has reached a position; one that fails may
    /// get there yet.
    pub(crate) async fn reached(&self, wanted: Position) -> Result<(), WaitError> {
        let mut status = self.status.clone();
        self.hurry.notify_one();
        let there = |now: &ProjectionStatus| {
            now.position >= wanted || now.state == ProjectionState::Stopped
        };
        let now = status.wait_for(there).await.map_err(|_| WaitError::Stopped)?;
        if now.position >= wanted { Ok(()) } else { Err(WaitError::Stopped) }
    }
}

impl<P: Project> Runner<P> {
    /// Starts the projection's task.
    pub(crate) fn start(
        store: Store,
        services: Arc<Services>,
        tasks: &TaskSet,
        lookout: &Lookout,
    ) -> RunnerHandle {
        let (name, position) = (P::NAME, Position::NONE);
        let (status, receiver) =
            watch::channel(ProjectionStatus { name, position, state: ProjectionState::CatchingUp });
        let hurry = Arc::new(tokio::sync::Notify::new());
        let mut runner = Self {
            projection: P::default(),
            follower: Follower {
                store,
                lookout: lookout.clone(),
                services,
                tasks: tasks.clone(),
                checkpoint: P::checkpoint(),
                query: EventQuery::types(stored_names::<P::Event>()),
            },
            rows: KeptRows::new(),
            stretch: STRETCH,
            failures: 0,
            began_at: Position::NONE,
            status,
            hurry: Arc::clone(&hurry),
        };
        tasks.service(P::NAME, Box::pin(async move { runner.run().await }));
        RunnerHandle { status: receiver, hurry }
    }

    async fn run(&mut self) {
        let mut delay = BACK_OFF.0;
        while !self.follower.tasks.is_stopping() {
            match self.follow(&mut delay).await {
                Ok(()) => break,
                Err(error) if error.is_fenced() => {
                    self.rows.forget();
                    self.set(ProjectionState::Standby);
                    let seen = |at| self.progress(at, ProjectionState::Standby);
                    self.follower.stand_by(seen).await;
                }
                Err(error) => {
                    self.rows.forget();
                    self.stretch = 1;
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(projection = P::NAME, %error, "projection failing");
                    self.set(ProjectionState::Failing(report(&error).into()));
                    self.follower.pause(delay).await;
                    delay = (delay * 2).min(BACK_OFF.1);
                }
            }
        }
        self.set(ProjectionState::Stopped);
    }

    /// Follows the log until asked to stop. The place is claimed only once
    /// there is something to take in: a process that merely looks takes
    /// nothing away from the one that works.
    async fn follow(&mut self, delay: &mut Duration) -> Result<(), ProjectionError> {
        let mut heads = self.follower.lookout.watch();
        let mut place = match self.follower.look().await? {
            Some(place) => place,
            None => self.start_over().await?,
        };
        if self.began_at == Position::NONE {
            self.began_at = self.follower.store.info().await?.head;
        }
        self.progress(place.position, ProjectionState::CatchingUp);
        let mut pages = self.follower.pages(place.cursor(place.position));
        while !self.follower.tasks.is_stopping() {
            let Batch { taken, last } = self.batch(&mut place, &mut pages).await?;
            if taken > 0 {
                *delay = BACK_OFF.0;
                self.failures = 0;
            }
            let state = if last { ProjectionState::Live } else { ProjectionState::CatchingUp };
            self.progress(place.position, state);
            self.stretch = (self.stretch * 2).min(STRETCH);
            if last {
                if taken > 0 {
                    self.rest().await;
                }
                let hurry = self.hurry.notified();
                self.follower.wake(&mut heads, place.position, BACKSTOP, hurry).await;
                pages = self.follower.pages(place.cursor(place.position));
            }
        }
        Ok(())
    }

    /// After a restore the log is another one: rows that were made of the old
    /// one are deleted, and the place is before its first event.
    async fn start_over(&mut self) -> Result<Place, ProjectionError> {
        let (log, epoch) = match self.follower.take_over().await? {
            Ok(place) => return Ok(place),
            Err(moved) => moved,
        };
        tracing::warn!(projection = P::NAME, "the log was restored, the rows are made anew");
        self.rows.forget();
        let start = Cursor { log, position: Position::NONE };
        let work = UnitOfWork::fresh(&self.follower.services).clear(P::table()).advance_checkpoint(
            P::checkpoint(),
            epoch,
            Some(start),
        );
        self.follower.store.commit(work).await?;
        self.rows.begin(&self.follower.store).await?;
        Ok(Place::at(log, Position::NONE, Some(epoch)))
    }

    /// Claims the place. `None` if another worker has moved it meanwhile.
    async fn claim(&mut self, place: &mut Place) -> Result<Option<Epoch>, ProjectionError> {
        let was_claimed = place.epoch.is_some();
        let claimed = self.follower.claim::<ProjectionError>(place).await?;
        if !was_claimed && place.position == Position::NONE {
            self.rows.begin(&self.follower.store).await?;
        }
        Ok(match claimed {
            Claimed::Ours(epoch) => Some(epoch),
            Claimed::Moved => None,
        })
    }

    /// Takes in some pages and commits what they have changed.
    async fn batch(
        &mut self,
        place: &mut Place,
        pages: &mut Pages,
    ) -> Result<Batch, ProjectionError> {
        let start = self.follower.services.clock.monotonic();
        let mut batch = Batch { taken: 0, last: false };
        let mut reached = place.position;
        for _ in 0..self.stretch {
            let Some(page) = pages.next().await else { break };
            let page = page?;
            (reached, batch.last) = (Position::new(page.reached()), page.is_last());
            batch.taken += page.len();
            if !page.is_empty() {
                if self.claim(place).await?.is_none() {
                    return Ok(self.moved(place, pages));
                }
                self.take(&page).await?;
                // The next page may be there already.
                tokio::task::yield_now().await;
            }
            let long = self.follower.services.clock.monotonic().saturating_sub(start) >= LONG;
            if batch.last
                || long
                || self.rows.changes() >= CHANGES
                || self.follower.tasks.is_stopping()
            {
                break;
            }
        }
        if batch.taken > 0 || reached.get() >= place.stored.get() + STRIDE {
            let Some(epoch) = self.claim(place).await? else {
                return Ok(self.moved(place, pages));
            };
            self.commit(place.log, epoch, reached).await?;
            place.stored = reached;
        }
        place.position = reached;
        Ok(batch)
    }

    /// Another worker had moved the place: what was read is of no use.
    fn moved(&self, place: &Place, pages: &mut Pages) -> Batch {
        *pages = self.follower.pages(place.cursor(place.position));
        Batch { taken: 0, last: false }
    }

    async fn commit(
        &mut self,
        log: LogId,
        epoch: Epoch,
        to: Position,
    ) -> Result<(), ProjectionError> {
        let cursor = Cursor { log, position: to };
        let work = UnitOfWork::fresh(&self.follower.services).advance_checkpoint(
            P::checkpoint(),
            epoch,
            Some(cursor),
        );
        self.follower.store.commit(self.rows.write(work)?).await?;
        self.rows.written();
        Ok(())
    }

    async fn take(&mut self, page: &Page) -> Result<(), ProjectionError> {
        let Self { projection, rows, follower, began_at, failures, .. } = self;
        let Follower { store, services, .. } = follower;
        let (began_at, attempt) = (*began_at, failures.saturating_add(1));
        let at = AtomicU64::new(0);
        let taken = async {
            for event in page.events() {
                let position = event.position();
                at.store(position.get(), Ordering::Relaxed);
                let delivery = Delivery { attempt, is_replay: position <= began_at };
                let decoded = P::Event::decode(&event)
                    .map_err(|source| ProjectionError::Decode { position, source })?;
                match decoded {
                    Decoded::One(data) => {
                        let event = Recorded::new(data, event);
                        projection.project(&event, &mut rows.open(store, delivery)).await?;
                    }
                    several @ (Decoded::Many(_) | Decoded::Unknown(_)) => {
                        for data in several {
                            let event = Recorded::new(data, event.clone());
                            projection.project(&event, &mut rows.open(store, delivery)).await?;
                        }
                    }
                    Decoded::Skipped => services.skips.count(&event),
                }
            }
            Ok(())
        };
        CatchPanic(Box::pin(taken)).await.unwrap_or_else(|panic| {
            let position = Position::new(at.load(Ordering::Relaxed));
            Err(ProjectionError::Panicked { position, message: panic_message(&*panic) })
        })
    }

    fn progress(&self, position: Position, state: ProjectionState) {
        self.status.send_if_modified(|status| {
            let changed = status.position != position || status.state != state;
            status.position = position;
            status.state = state;
            changed
        });
    }

    fn set(&self, state: ProjectionState) {
        let position = self.status.borrow().position;
        self.progress(position, state);
    }

    async fn rest(&self) {
        let pause = self.follower.services.clock.sleep(PAUSE);
        first(first(pause, self.hurry.notified()), self.follower.tasks.stopped()).await;
    }
}
