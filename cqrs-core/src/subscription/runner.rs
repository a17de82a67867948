//! The task that brings events to a handler.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::chunk::{Chunk, Taken};
use super::control::Control;
use super::dead_letter::{Row, key, letters_of};
use super::deliver::Deliverer;
use super::follower::{BACK_OFF, Claimed};
use super::group::{Seat, Turn};
use super::layout::Layout;
use super::letters::Letters;
use super::parts::part_of;
use super::{Follower, Place, Start, SubscriptionHandle, SubscriptionState, SubscriptionStatus};
use crate::error::report;
use crate::runtime::race;
use crate::store::{
    Checkpoint, CommitError, EventStore, LeaseError, Operation, Pages, Position, ReadError,
    UnitOfWork,
};

/// Positions without events for the handler after which the place is stored
/// anyway.
const STRIDE: u64 = 10_000;

/// How often one who waits for events looks whether its place was set by
/// another process.
const LOOK: Duration = Duration::from_secs(2);

/// One part of an event handler, following the log.
pub(crate) struct Subscription {
    pub(crate) name: Arc<str>,
    pub(crate) follower: Follower,
    pub(crate) deliverer: Deliverer,
    pub(crate) part: usize,
    pub(crate) parts: usize,
    pub(crate) lanes: usize,
    pub(crate) start: Start,
    /// Where it waits for its turn, unless it is volatile: then it keeps no
    /// place, and every process runs it.
    pub(crate) seat: Option<Seat>,
    /// The head of the log when the application was built.
    pub(crate) head_at_build: Position,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Interruption {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error("{0}")]
    Stands(String),
    #[error(
        "the log was restored, and the place of this handler is in the old one: say where it goes on by \
         `App::reset_handler`"
    )]
    OtherLog,
}

impl Subscription {
    /// Starts the task.
    pub(crate) fn spawn(self) -> SubscriptionHandle {
        let first = SubscriptionStatus {
            name: Arc::clone(&self.name),
            position: Position::NONE,
            parked: 0,
            state: SubscriptionState::CatchingUp,
        };
        let (status, receiver) = watch::channel(first);
        let control = Arc::new(Control::default());
        let checkpoint = self.follower.checkpoint.clone();
        let (handler, parts) = (self.deliverer.stack.target.name, self.parts);
        let control_of = Arc::clone(&control);
        let handle = SubscriptionHandle {
            handler,
            parts,
            status: receiver,
            checkpoint,
            control: control_of,
        };
        let tasks = self.follower.tasks.clone();
        let task = self.deliverer.stack.target.name;
        let mut runner = Runner {
            subscription: self,
            status,
            control,
            letters: Letters::default(),
            parked: HashMap::new(),
            chunk: None,
            turn: None,
            began: None,
            layout: Layout::default(),
        };
        tasks.service(task, Box::pin(async move { runner.run().await }));
        handle
    }
}

pub(super) struct Runner {
    pub(super) subscription: Subscription,
    status: watch::Sender<SubscriptionStatus>,
    control: Arc<Control>,
    pub(super) letters: Letters,
    /// Events to be parked with the next commit.
    pub(super) parked: HashMap<Position, Row>,
    /// What is being handled; kept when the handler stands still, so that
    /// nothing of it is handled twice for that reason.
    pub(super) chunk: Option<Chunk>,
    /// While this process works on it.
    turn: Option<Turn>,
    /// How far a volatile handler is.
    began: Option<Position>,
    pub(super) layout: Layout,
}

impl Runner {
    async fn run(&mut self) {
        let mut delay = BACK_OFF.0;
        while !self.is_stopping() {
            if !self.stays() {
                self.forget();
                self.take_turn().await;
                continue;
            }
            match self.follow(&mut delay).await {
                Ok(()) => {}
                Err(Interruption::Commit(CommitError::Fenced { .. })) => {
                    // Somebody has set the place, or works on it although we
                    // believe in our lease: it is asked for anew.
                    self.forget();
                    self.pass_on().await;
                }
                Err(error) => {
                    let name = &*self.subscription.name;
                    tracing::warn!(target: "cqrs::event", handler = name, %error, "event handler stands still");
                    self.set(SubscriptionState::Failing(report(&error).into()));
                    self.subscription.follower.pause(delay).await;
                    delay = (delay * 2).min(BACK_OFF.1);
                }
            }
        }
        self.pass_on().await;
        self.set(SubscriptionState::Stopped);
    }

    /// Waits until it is this process that works on the part, and watches
    /// meanwhile how far the one is that does.
    async fn take_turn(&mut self) {
        self.pass_on().await;
        let Some(seat) = &self.subscription.seat else { return };
        let seen = |place: Result<Position, ReadError>| match place {
            Ok(position) if seat.is_known() => self.progress(position, SubscriptionState::Standby),
            Ok(_) => {}
            Err(error) => self.set(SubscriptionState::Failing(report(&error).into())),
        };
        let turn = race(self.subscription.follower.watch(seen), seat.turn()).await;
        self.turn = turn.flatten();
    }

    /// Lets another process work on the part.
    async fn pass_on(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.pass_on().await;
        }
    }

    /// Whether this process is to work on: it is the one that may, and either
    /// it is to, or somebody has made the handler stand still here.
    fn stays(&self) -> bool {
        let is_ours = |turn: &Turn| turn.is_held() && (turn.is_ours() || self.is_paused());
        self.is_volatile() || self.turn.as_ref().is_some_and(is_ours)
    }

    /// Whether it may begin with another event.
    pub(super) fn may_begin(&self) -> bool {
        let is_held = self.is_volatile() || self.turn.as_ref().is_some_and(Turn::is_held);
        is_held && !self.is_stopping()
    }

    /// Follows the log until the application stops, the place is set, or it is
    /// another process's turn.
    async fn follow(&mut self, delay: &mut Duration) -> Result<(), Interruption> {
        let mut watch = self.follower().store.watch();
        let mut place = self.begin().await?;
        self.progress(place.position, SubscriptionState::CatchingUp);
        let mut pages = self.follower().pages(&place);
        let mut page: Option<Taken> = None;
        let mut looked = self.follower().services.clock.monotonic();
        while !self.is_stopping() && self.stays() {
            if self.control.reset.swap(false, Ordering::AcqRel) {
                self.forget();
                return Ok(());
            }
            if self.is_paused() {
                self.set(SubscriptionState::Paused);
                self.follower()
                    .wake(&mut watch, Position::new(u64::MAX), self.control.hurry.notified())
                    .await;
                continue;
            }
            self.attend_to_letters(&mut place).await?;
            if self.chunk.is_none() {
                self.chunk = self.next_chunk(&mut page, &mut pages).await?;
            }
            if !self.handle(&mut place).await? {
                (page, pages) = (None, self.follower().pages(&place));
                self.chunk = None;
                continue;
            }
            *delay = BACK_OFF.0;
            let last = page.as_ref().is_some_and(Taken::is_last);
            let state = if last { SubscriptionState::Live } else { SubscriptionState::CatchingUp };
            self.progress(place.position, state);
            if last && !self.is_stopping() {
                let hurry = self.control.hurry.notified();
                self.follower().wake(&mut watch, place.position, hurry).await;
                let now = self.follower().services.clock.monotonic();
                if now.saturating_sub(looked) >= LOOK {
                    looked = now;
                    if self.was_set(&place).await? {
                        return Ok(());
                    }
                }
                (page, pages) = (None, self.follower().pages(&place));
            }
        }
        Ok(())
    }

    /// Whether somebody else has set the place.
    async fn was_set(&self, place: &Place) -> Result<bool, Interruption> {
        if self.is_volatile() {
            return Ok(false);
        }
        let follower = self.follower();
        let Some(found) = follower.store.checkpoint(&follower.checkpoint).await? else {
            return Ok(false);
        };
        Ok(match place.epoch {
            Some(epoch) => found.epoch != epoch,
            None => found.cursor.is_some_and(|cursor| cursor != place.cursor(place.stored)),
        })
    }

    /// Where to begin.
    async fn begin(&mut self) -> Result<Place, Interruption> {
        let follower = &self.subscription.follower;
        if self.is_volatile() {
            let info = follower.store.info().await?;
            let newest = self.subscription.head_at_build.min(info.head);
            let position = *self.began.get_or_insert(newest);
            return Ok(Place::at(info.log, position, None));
        }
        self.layout = self.arrange().await?;
        let follower = &self.subscription.follower;
        let found = follower.store.checkpoint(&follower.checkpoint).await?;
        let is_new = found.and_then(|found| found.cursor).is_none();
        if is_new && self.subscription.start == Start::Now {
            let Checkpoint { epoch, .. } =
                follower.store.claim_checkpoint(&follower.checkpoint).await?;
            let info = follower.store.info().await?;
            let mut place = Place::at(info.log, Position::NONE, Some(epoch));
            self.store_place(&mut place, self.subscription.head_at_build.min(info.head)).await?;
            return Ok(place);
        }
        let place = self.follower().look().await?.ok_or(Interruption::OtherLog)?;
        self.load_letters().await?;
        Ok(place)
    }

    /// Reads the dead letters anew; those that are still to be stored are among
    /// them.
    pub(super) async fn load_letters(&mut self) -> Result<(), Interruption> {
        self.letters = Letters::load(&self.follower().store, &self.subscription.name).await?;
        for (position, row) in &self.parked {
            self.letters.add(row.stream.clone(), *position);
        }
        Ok(())
    }

    /// Some of the events behind a place that belong to this part.
    async fn next_chunk(
        &self,
        page: &mut Option<Taken>,
        pages: &mut Pages,
    ) -> Result<Option<Chunk>, Interruption> {
        if page.as_ref().is_none_or(Taken::is_used_up) {
            let Some(next) = pages.next().await else { return Ok(None) };
            *page = Some(Taken::new(next?));
        }
        let (part, parts) = (self.subscription.part, self.subscription.parts);
        let batch = self.subscription.deliverer.pace.batch();
        Ok(page
            .as_mut()
            .map(|taken| taken.chunk(batch, |event| part_of(event.stream(), parts) == part)))
    }

    /// Stores the place, with what was parked before it, unless nothing is to
    /// be said.
    pub(super) async fn store_place(
        &mut self,
        place: &mut Place,
        to: Position,
    ) -> Result<(), Interruption> {
        let far = to.get() >= place.stored.get().saturating_add(STRIDE);
        let moved = to > place.stored && (place.epoch.is_some() || far);
        if !self.is_volatile() && (moved || !self.parked.is_empty()) {
            let epoch = match self.follower().claim::<Interruption>(place).await? {
                Claimed::Ours(epoch) => epoch,
                Claimed::Moved => {
                    self.forget();
                    return self.load_letters().await;
                }
            };
            let mut work = self.unit();
            for (position, row) in &self.parked {
                work =
                    work.put(letters_of(&self.subscription.name), key(*position), row.to_bytes());
            }
            let cursor = place.cursor(to);
            let work =
                work.advance_checkpoint(self.follower().checkpoint.clone(), epoch, Some(cursor));
            self.follower().store.commit(work).await?;
            self.parked.clear();
            place.stored = to;
            self.set_parked();
        }
        place.position = to;
        if self.is_volatile() {
            self.began = Some(to);
        }
        Ok(())
    }

    pub(super) fn unit(&self) -> UnitOfWork {
        let services = &self.follower().services;
        let now = services.now();
        UnitOfWork::new(Operation::fresh(services.id(now).into()), now)
    }

    pub(super) fn follower(&self) -> &Follower {
        &self.subscription.follower
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.follower().tasks.is_stopping()
    }

    pub(super) fn is_volatile(&self) -> bool {
        self.subscription.seat.is_none()
    }

    pub(super) fn handler_name(&self) -> &'static str {
        self.subscription.deliverer.stack.target.name
    }

    pub(super) fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    fn is_paused(&self) -> bool {
        self.control.paused.load(Ordering::Acquire)
    }

    pub(super) fn forget(&mut self) {
        self.letters = Letters::default();
        self.parked.clear();
        self.chunk = None;
    }

    fn progress(&self, position: Position, state: SubscriptionState) {
        self.status.send_if_modified(|status| {
            let changed = status.position != position || status.state != state;
            status.position = position;
            status.state = state;
            changed
        });
    }

    fn set(&self, state: SubscriptionState) {
        let position = self.status.borrow().position;
        self.progress(position, state);
    }

    pub(super) fn set_parked(&self) {
        let parked = self.letters.len() as u64;
        self.status
            .send_if_modified(|status| std::mem::replace(&mut status.parked, parked) != parked);
    }
}
