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
    Checkpoint, CommitWatch, Cursor, Epoch, EventQuery, EventStore, LogId, Operation, Page, Pages,
    Position, ReadRequest, Store, UnitOfWork,
};

/// Events of the first page behind a place, and of the largest.
const FIRST_PAGE: usize = 500;
const PAGE: usize = 2_000;
/// Pages that are taken in between two commits. An event that fails takes
/// those before it in its batch along, so that a batch has one page then, and
/// twice as many each time that it succeeds.
const STRETCH: usize = 64;
/// A batch also ends once this many rows have changed,
const CHANGES: usize = 5_000;
/// or when it has taken so long.
const LONG: Duration = Duration::from_millis(500);
/// How long to wait for a wake-up before looking again; other processes'
/// commits are found this way.
const POLL: Duration = Duration::from_millis(200);
/// At least this long between two small batches, so that a busy log is not
/// followed event by event. Whoever waits for the projection ends the pause.
const PAUSE: Duration = Duration::from_millis(10);
/// How long to wait after an error, doubled up to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long a standby lets the other worker make no progress.
const TAKE_OVER: Duration = Duration::from_secs(2);
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
    store: Store,
    services: Arc<Services>,
    tasks: TaskSet,
    rows: KeptRows<P>,
    /// Pages that the next batch may take.
    stretch: usize,
    /// Tries that the next batch has behind it.
    failures: u32,
    /// The head of the log when this worker began to follow it.
    began_at: Position,
    query: EventQuery,
    status: watch::Sender<ProjectionStatus>,
    hurry: Arc<tokio::sync::Notify>,
}

/// A place in the log, claimed or only looked at.
struct Place {
    epoch: Option<Epoch>,
    log: LogId,
    position: Position,
    stored: Position,
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
    pub(crate) fn start(store: Store, services: Arc<Services>, tasks: &TaskSet) -> RunnerHandle {
        let (name, position) = (P::NAME, Position::NONE);
        let (status, receiver) =
            watch::channel(ProjectionStatus { name, position, state: ProjectionState::CatchingUp });
        let hurry = Arc::new(tokio::sync::Notify::new());
        let mut runner = Self {
            projection: P::default(),
            store,
            services,
            tasks: tasks.clone(),
            rows: KeptRows::new(),
            stretch: STRETCH,
            failures: 0,
            began_at: Position::NONE,
            query: EventQuery::types(stored_names::<P::Event>()),
            status,
            hurry: Arc::clone(&hurry),
        };
        tasks.service(P::NAME, Box::pin(async move { runner.run().await }));
        RunnerHandle { status: receiver, hurry }
    }

    async fn run(&mut self) {
        let mut delay = BACK_OFF.0;
        while !self.tasks.is_stopping() {
            match self.follow(&mut delay).await {
                Ok(()) => break,
                Err(error) if error.is_fenced() => {
                    self.rows.forget();
                    self.stand_by().await;
                }
                Err(error) => {
                    self.rows.forget();
                    self.stretch = 1;
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(projection = P::NAME, %error, "projection failing");
                    self.set(ProjectionState::Failing(report(&error).into()));
                    self.pause(delay).await;
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
        let mut watch = self.store.watch();
        let mut place = match self.look().await? {
            Some(place) => place,
            None => self.start_over().await?,
        };
        if self.began_at == Position::NONE {
            self.began_at = self.store.info().await?.head;
        }
        self.progress(place.position, ProjectionState::CatchingUp);
        let mut pages = self.pages(&place);
        while !self.tasks.is_stopping() {
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
                self.wake(&mut watch, place.position).await;
                pages = self.pages(&place);
            }
        }
        Ok(())
    }

    /// The place as it stands, not claimed; `None` if it is in another log.
    async fn look(&self) -> Result<Option<Place>, ProjectionError> {
        let log = self.store.info().await?.log;
        let checkpoint = self.store.checkpoint(&P::checkpoint()).await?;
        let position = position(checkpoint.and_then(|found| found.cursor), log);
        Ok(position.map(|position| Place { epoch: None, log, position, stored: position }))
    }

    /// After a restore the log is another one: rows that were made of the old
    /// one are deleted, and the place is before its first event.
    async fn start_over(&mut self) -> Result<Place, ProjectionError> {
        let log = self.store.info().await?.log;
        let Checkpoint { epoch, cursor, .. } =
            self.store.claim_checkpoint(&P::checkpoint()).await?;
        if let Some(position) = position(cursor, log) {
            return Ok(Place { epoch: Some(epoch), log, position, stored: position });
        }
        tracing::warn!(projection = P::NAME, "the log was restored, the rows are made anew");
        self.rows.forget();
        let now = self.services.now();
        let start = Cursor { log, position: Position::NONE };
        let work = UnitOfWork::new(Operation::fresh(self.services.id(now).into()), now)
            .clear(P::table())
            .advance_checkpoint(P::checkpoint(), epoch, Some(start));
        self.store.commit(work).await?;
        self.rows.begin(&self.store).await?;
        let position = Position::NONE;
        Ok(Place { epoch: Some(epoch), log, position, stored: position })
    }

    /// What follows a place.
    fn pages(&self, place: &Place) -> Pages {
        let cursor = Cursor { log: place.log, position: place.position };
        let request = ReadRequest::all().matching(self.query.clone()).resume(cursor);
        Pages::new(&self.store, request.limit(FIRST_PAGE), PAGE)
    }

    /// Claims the place. `None` if another worker has moved it meanwhile.
    async fn claim(&mut self, place: &mut Place) -> Result<Option<Epoch>, ProjectionError> {
        if let Some(epoch) = place.epoch {
            return Ok(Some(epoch));
        }
        let Checkpoint { epoch, cursor, .. } =
            self.store.claim_checkpoint(&P::checkpoint()).await?;
        let Some(claimed) = position(cursor, place.log) else {
            let cursor = cursor.map_or(place.log, |cursor| cursor.log);
            return Err(crate::store::ReadError::OtherLog { cursor, log: place.log }.into());
        };
        let unmoved = claimed == place.stored;
        *place = Place { epoch: Some(epoch), position: claimed, stored: claimed, ..*place };
        if claimed == Position::NONE {
            self.rows.begin(&self.store).await?;
        }
        Ok(unmoved.then_some(epoch))
    }

    /// Takes in some pages and commits what they have changed.
    async fn batch(
        &mut self,
        place: &mut Place,
        pages: &mut Pages,
    ) -> Result<Batch, ProjectionError> {
        let start = self.services.clock.monotonic();
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
            let long = self.services.clock.monotonic().saturating_sub(start) >= LONG;
            if batch.last || long || self.rows.changes() >= CHANGES || self.tasks.is_stopping() {
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
        *pages = self.pages(place);
        Batch { taken: 0, last: false }
    }

    async fn commit(
        &mut self,
        log: LogId,
        epoch: Epoch,
        to: Position,
    ) -> Result<(), ProjectionError> {
        let now = self.services.now();
        let cursor = Cursor { log, position: to };
        let work = UnitOfWork::new(Operation::fresh(self.services.id(now).into()), now)
            .advance_checkpoint(P::checkpoint(), epoch, Some(cursor));
        self.store.commit(self.rows.write(work)?).await?;
        self.rows.written();
        Ok(())
    }

    async fn take(&mut self, page: &Page) -> Result<(), ProjectionError> {
        let Self { projection, rows, store, services, began_at, failures, .. } = self;
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

    /// Waits for a commit, or long enough to look again.
    async fn wake(&self, watch: &mut CommitWatch, position: Position) {
        first(
            first(watch.above(position), self.services.clock.sleep(POLL)),
            first(self.hurry.notified(), self.tasks.stopped()),
        )
        .await;
    }

    async fn rest(&self) {
        let pause = self.services.clock.sleep(PAUSE);
        first(first(pause, self.hurry.notified()), self.tasks.stopped()).await;
    }

    async fn pause(&self, duration: Duration) {
        first(self.services.clock.sleep(duration), self.tasks.stopped()).await;
    }

    /// Watches the other worker until it makes no progress although there are
    /// events behind its place.
    async fn stand_by(&self) {
        self.set(ProjectionState::Standby);
        let mut seen = Position::NONE;
        let mut since = self.services.clock.monotonic();
        while !self.tasks.is_stopping() {
            self.pause(POLL).await;
            let (Ok(Some(checkpoint)), Ok(info)) =
                (self.store.checkpoint(&P::checkpoint()).await, self.store.info().await)
            else {
                continue;
            };
            let at = checkpoint.cursor.map_or(Position::NONE, |cursor| cursor.position);
            self.progress(at, ProjectionState::Standby);
            let now = self.services.clock.monotonic();
            if at > seen || at >= info.head {
                (seen, since) = (at.max(seen), now);
            } else if now.saturating_sub(since) >= TAKE_OVER {
                return;
            }
        }
    }
}

/// Every name under which events of an enum are stored.
fn stored_names<E: Event>() -> impl Iterator<Item = &'static str> {
    let formerly = E::TYPES.iter().flat_map(|one| one.formerly.iter().copied());
    let retired = E::RETIRED.iter().copied();
    E::TYPES.iter().map(|one| one.name).chain(formerly).chain(retired)
}

/// Where a cursor stands, `None` if that is in another log.
fn position(cursor: Option<Cursor>, log: LogId) -> Option<Position> {
    match cursor {
        Some(cursor) => (cursor.log == log).then_some(cursor.position),
        None => Some(Position::NONE),
    }
}

/// Ends with the first of two futures.
async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() || other.as_mut().poll(cx).is_ready() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
