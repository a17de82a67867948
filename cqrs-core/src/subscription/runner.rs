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
use super::follower::{BACK_OFF, BACKSTOP, first};
use super::group::{Seat, Turn};
use super::layout::Layout;
use super::letters::Letters;
use super::lookout::POLL;
use super::parts::part_of;
use super::{Follower, Start, SubscriptionHandle, SubscriptionState, SubscriptionStatus};
use crate::error::report;
use crate::runtime::race;
use crate::store::{
    CommitError, Cursor, Epoch, EventStore, LeaseError, LogId, Pages, Position, ReadError,
    UnitOfWork,
};

/// Positions without events for the handler after which the place is stored
/// anyway.
const STRIDE: u64 = 10_000;

/// How often it is looked whether another process has set the place, how often
/// a place behind which nothing was handled is stored, and how often one that
/// another process moves is looked at.
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
        let handle = SubscriptionHandle {
            handler: self.deliverer.stack.target.name,
            parts: self.parts,
            is_volatile: self.seat.is_none(),
            status: receiver,
            checkpoint,
            control: Arc::clone(&control),
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
            place: None,
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
    /// Where it is, once it has begun.
    place: Option<Standing>,
    pub(super) layout: Layout,
}

/// Where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) log: LogId,
    /// Who may move the place; a volatile handler has none.
    epoch: Option<Epoch>,
    pub(super) position: Position,
    /// As far as the place is stored, and since when.
    stored: (Position, Duration),
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
        let follower = &self.subscription.follower;
        let watch = follower.watch(LOOK, &self.control.hurry, seen);
        self.turn = race(watch, seat.turn(&follower.tasks)).await.flatten();
        if self.turn.is_none() {
            self.subscription.follower.pause(LOOK).await;
        }
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

    /// Waits until another process is to work on it.
    async fn moves_away(&self) {
        match &self.turn {
            Some(turn) if !self.is_paused() => turn.moves_away().await,
            _ => std::future::pending().await,
        }
    }

    /// Whether it may begin with another event.
    pub(super) fn may_begin(&self) -> bool {
        let is_held = self.is_volatile() || self.turn.as_ref().is_some_and(Turn::is_held);
        is_held && !self.is_stopping()
    }

    /// Follows the log until the application stops, the place is set, or it is
    /// another process's turn.
    async fn follow(&mut self, delay: &mut Duration) -> Result<(), Interruption> {
        let mut heads = self.follower().lookout.watch();
        if self.was_set().await? {
            self.forget();
        }
        if self.place.is_none() {
            self.begin().await?;
        }
        self.progress(self.place().position, SubscriptionState::CatchingUp);
        let mut pages = self.pages();
        let mut page: Option<Taken> = None;
        let mut looked = self.now();
        while !self.is_stopping() && self.stays() {
            if self.control.reset.swap(false, Ordering::AcqRel) {
                self.forget();
                return Ok(());
            }
            if self.is_paused() {
                self.set(SubscriptionState::Paused);
                while self.is_paused() && !self.is_stopping() {
                    let hurry = self.control.hurry.notified();
                    let never = Position::new(u64::MAX);
                    self.follower().wake(&mut heads, never, BACKSTOP, hurry).await;
                }
                return Ok(());
            }
            self.attend_to_letters().await?;
            if self.chunk.is_none() {
                self.chunk = self.next_chunk(&mut page, &mut pages).await?;
            }
            self.handle().await?;
            *delay = BACK_OFF.0;
            let last = page.as_ref().is_some_and(Taken::is_last);
            let state = if last { SubscriptionState::Live } else { SubscriptionState::CatchingUp };
            self.progress(self.place().position, state);
            if self.now().saturating_sub(looked) >= LOOK {
                looked = self.now();
                if self.was_set().await? {
                    self.forget();
                    return Ok(());
                }
            }
            if last && !self.is_stopping() {
                // What is wanted with dead letters no commit tells.
                let backstop = if self.letters.is_empty() { BACKSTOP } else { POLL };
                let hurry = first(self.control.hurry.notified(), self.moves_away());
                self.follower().wake(&mut heads, self.place().position, backstop, hurry).await;
                (page, pages) = (None, self.pages());
            }
        }
        Ok(())
    }

    /// Whether somebody else has set the place, or divided the handler anew.
    async fn was_set(&self) -> Result<bool, Interruption> {
        let Some(Standing { epoch: Some(epoch), .. }) = self.place else { return Ok(false) };
        let follower = self.follower();
        let found = follower.store.checkpoint(&follower.checkpoint).await?;
        Ok(found.is_none_or(|found| found.epoch != epoch) || !self.is_divided_so().await?)
    }

    /// Takes the place over, and finds out where it is.
    async fn begin(&mut self) -> Result<(), Interruption> {
        let follower = &self.subscription.follower;
        if self.is_volatile() {
            let info = follower.store.info().await?;
            let position = self.subscription.head_at_build.min(info.head);
            let stored = (position, self.now());
            self.place = Some(Standing { log: info.log, epoch: None, position, stored });
            return Ok(());
        }
        let claimed = loop {
            // Whoever worked on it before is fenced from here on.
            let claimed = follower.store.claim_checkpoint(&follower.checkpoint).await?;
            if let Some(layout) = self.arrange().await? {
                self.layout = layout;
                break claimed;
            }
        };
        let info = follower.store.info().await?;
        let (position, is_new) = match claimed.cursor {
            Some(cursor) if cursor.log == info.log => (cursor.position, false),
            Some(_) => return Err(Interruption::OtherLog),
            None => (self.birthplace(info.head), true),
        };
        let stored = (position, self.now());
        let place = Standing { log: info.log, epoch: Some(claimed.epoch), position, stored };
        if is_new {
            // A later build is not to think that it is the first.
            self.commit_place(&place, position).await?;
        }
        self.place = Some(place);
        self.load_letters().await
    }

    /// Where a new handler begins.
    pub(super) fn birthplace(&self, head: Position) -> Position {
        match self.subscription.start {
            Start::Beginning => Position::NONE,
            Start::Now => self.subscription.head_at_build.min(head),
        }
    }

    /// Reads the dead letters anew; those that are still to be stored are among
    /// them.
    pub(super) async fn load_letters(&mut self) -> Result<(), Interruption> {
        self.letters = Letters::load(&self.follower().store, &self.subscription.name).await?;
        for (position, row) in &self.parked {
            self.letters.add(row.stream.clone(), *position);
        }
        self.set_parked();
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

    /// Moves the place. It is stored, with what was parked before it, if
    /// something was handled, or nothing was for long.
    pub(super) async fn move_place(
        &mut self,
        to: Position,
        worked: bool,
    ) -> Result<(), Interruption> {
        let place = *self.place();
        let (stored, since) = place.stored;
        let long = to.get() >= stored.get().saturating_add(STRIDE)
            || self.now().saturating_sub(since) >= LOOK;
        let moved = to > stored && (worked || long);
        let is_due = place.epoch.is_some() && (moved || !self.parked.is_empty());
        if is_due {
            self.commit_place(&place, to).await?;
            self.parked.clear();
        }
        let now = self.now();
        if let Some(place) = &mut self.place {
            place.position = to;
            if is_due {
                place.stored = (to, now);
            }
        }
        self.set_parked();
        Ok(())
    }

    async fn commit_place(&self, place: &Standing, to: Position) -> Result<(), Interruption> {
        let mut work = self.unit();
        for (position, row) in &self.parked {
            work = work.put(letters_of(&self.subscription.name), key(*position), row.to_bytes());
        }
        self.follower().store.commit(self.advancing(work, place, to)).await?;
        Ok(())
    }

    /// A unit that is done by whoever may move the place, and moves it.
    fn advancing(&self, work: UnitOfWork, place: &Standing, to: Position) -> UnitOfWork {
        let epoch = place.epoch.expect("a volatile handler stores nothing");
        let cursor = Cursor { log: place.log, position: to };
        work.advance_checkpoint(self.follower().checkpoint.clone(), epoch, Some(cursor))
    }

    /// A unit that is done by whoever may move the place.
    pub(super) fn fenced(&self, work: UnitOfWork) -> UnitOfWork {
        self.advancing(work, self.place(), self.place().stored.0)
    }

    pub(super) fn place(&self) -> &Standing {
        self.place.as_ref().expect("it has begun")
    }

    fn pages(&self) -> Pages {
        let Standing { log, position, .. } = *self.place();
        self.follower().pages(Cursor { log, position })
    }

    fn now(&self) -> Duration {
        self.follower().services.clock.monotonic()
    }

    pub(super) fn unit(&self) -> UnitOfWork {
        UnitOfWork::fresh(&self.follower().services)
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

    pub(super) fn own_turn(&self) -> &Turn {
        self.turn.as_ref().expect("a place is looked for while it is this process's turn")
    }

    fn is_paused(&self) -> bool {
        self.control.paused.load(Ordering::Acquire)
    }

    /// Begins anew: somebody else has moved the place, or is to.
    fn forget(&mut self) {
        if self.is_volatile() {
            return;
        }
        (self.place, self.chunk) = (None, None);
        self.letters = Letters::default();
        self.parked.clear();
        self.set_parked();
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
