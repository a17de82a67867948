//! The task that brings events to a handler.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::chunk::{Chunk, part_of};
use super::dead_letter::{ParkedFor, Row, Wanted, key, letters_of, stream_text, wanted_of};
use super::deliver::{Delivered, Deliverer, stands_at};
use super::follower::{BACK_OFF, Claimed, unread};
use super::letters::{Letters, wanted};
use super::{Follower, Place, Start, SubscriptionState, SubscriptionStatus};
use crate::error::report;
use crate::projection::WaitError;
use crate::runtime::Services;
use crate::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, EventStore, Operation, Page, Pages, Position,
    ReadError, ReadRequest, RecordedEvent, Store, UnitOfWork,
};

/// Positions without events for the handler after which the place is stored
/// anyway.
const STRIDE: u64 = 10_000;

/// One part of an event handler, following the log.
pub(crate) struct Subscription {
    pub(crate) name: Arc<str>,
    pub(crate) follower: Follower,
    pub(crate) deliverer: Deliverer,
    pub(crate) part: usize,
    pub(crate) parts: usize,
    pub(crate) lanes: usize,
    pub(crate) start: Start,
    pub(crate) volatile: bool,
    /// The head of the log when the application was built.
    pub(crate) head_at_build: Position,
}

/// What an application holds of a running subscription.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionHandle {
    status: watch::Receiver<SubscriptionStatus>,
    checkpoint: CheckpointName,
    control: Arc<Control>,
}

#[derive(Debug)]
struct Control {
    hurry: Notify,
    paused: AtomicBool,
    /// The place was set from outside.
    reset: AtomicBool,
}

#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("{0}")]
    Stands(String),
    #[error(
        "the log was restored, and the place of this handler is in the old one: say where it goes on by \
         `App::reset_handler`"
    )]
    OtherLog,
}

impl SubscriptionHandle {
    pub(crate) fn status(&self) -> SubscriptionStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.control.paused.store(paused, Ordering::Release);
        self.control.hurry.notify_one();
    }

    /// Whether it is a handler of that name, or a part of it.
    pub(crate) fn is_of(&self, handler: &str) -> bool {
        let status = self.status.borrow();
        let rest = status.name.strip_prefix(handler);
        rest.is_some_and(|part| part.is_empty() || part.starts_with('/'))
    }

    /// Sets the place, whoever has claimed it.
    pub(crate) async fn reset(
        &self,
        store: &Store,
        services: &Services,
        to: Start,
    ) -> Result<(), CommitError> {
        let Checkpoint { epoch, .. } = store.claim_checkpoint(&self.checkpoint).await?;
        let info = store.info().await.map_err(unread)?;
        let position = match to {
            Start::Beginning => Position::NONE,
            Start::Now => info.head,
        };
        let now = services.now();
        let cursor = Cursor { log: info.log, position };
        let work = UnitOfWork::new(Operation::fresh(services.id(now).into()), now)
            .advance_checkpoint(self.checkpoint.clone(), epoch, Some(cursor));
        store.commit(work).await?;
        self.control.reset.store(true, Ordering::Release);
        self.control.hurry.notify_one();
        Ok(())
    }

    /// Waits until the handler is done with everything up to a position.
    pub(crate) async fn reached(&self, wanted: Position) -> Result<(), WaitError> {
        let mut status = self.status.clone();
        self.control.hurry.notify_one();
        let there = |now: &SubscriptionStatus| {
            now.position >= wanted || now.state == SubscriptionState::Stopped
        };
        let now = status.wait_for(there).await.map_err(|_| WaitError::Stopped)?;
        if now.position >= wanted { Ok(()) } else { Err(WaitError::Stopped) }
    }
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
        let control =
            Arc::new(Control { hurry: Notify::new(), paused: false.into(), reset: false.into() });
        let checkpoint = self.follower.checkpoint.clone();
        let handle =
            SubscriptionHandle { status: receiver, checkpoint, control: Arc::clone(&control) };
        let tasks = self.follower.tasks.clone();
        let task = self.deliverer.stack.target.name;
        let mut runner = Runner {
            subscription: self,
            status,
            control,
            letters: Letters::default(),
            parked: HashMap::new(),
            chunk: None,
            is_set: false,
        };
        tasks.service(task, Box::pin(async move { runner.run().await }));
        handle
    }
}

struct Runner {
    subscription: Subscription,
    status: watch::Sender<SubscriptionStatus>,
    control: Arc<Control>,
    letters: Letters,
    /// Events to be parked with the next commit.
    parked: HashMap<Position, Row>,
    /// What is being handled; kept when the handler stands still, so that
    /// nothing of it is handled twice for that reason.
    chunk: Option<Chunk>,
    /// Whether a volatile place or a new one has been found.
    is_set: bool,
}

impl Runner {
    async fn run(&mut self) {
        let mut delay = BACK_OFF.0;
        while !self.is_stopping() {
            match self.follow(&mut delay).await {
                Ok(()) => {
                    if self.is_stopping() {
                        break;
                    }
                    self.forget();
                }
                Err(Interruption::Commit(CommitError::Fenced { .. })) => {
                    self.forget();
                    self.set(SubscriptionState::Standby);
                    let status = &self.status;
                    let seen = |at| {
                        status.send_if_modified(|status| {
                            std::mem::replace(&mut status.position, at) != at
                        });
                    };
                    self.subscription.follower.stand_by(seen).await;
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
        self.set(SubscriptionState::Stopped);
    }

    /// Follows the log until the application stops or the place is set.
    async fn follow(&mut self, delay: &mut Duration) -> Result<(), Interruption> {
        let mut watch = self.follower().store.watch();
        let mut place = self.begin().await?;
        self.progress(place.position, SubscriptionState::CatchingUp);
        let mut pages = self.follower().pages(&place);
        let mut page: Option<Taken> = None;
        while !self.is_stopping() {
            if self.control.reset.swap(false, Ordering::AcqRel) {
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
                (page, pages) = (None, self.follower().pages(&place));
            }
        }
        Ok(())
    }

    /// Where to begin.
    async fn begin(&mut self) -> Result<Place, Interruption> {
        let subscription = &self.subscription;
        let follower = &subscription.follower;
        if subscription.volatile {
            let info = follower.store.info().await?;
            let position = match self.status.borrow().position {
                Position::NONE if !self.is_set => subscription.head_at_build.min(info.head),
                position => position,
            };
            self.is_set = true;
            return Ok(Place::at(info.log, position, None));
        }
        let found = follower.store.checkpoint(&follower.checkpoint).await?;
        if found.is_none() && subscription.start == Start::Now && !self.is_set {
            self.is_set = true;
            let Checkpoint { epoch, .. } =
                follower.store.claim_checkpoint(&follower.checkpoint).await?;
            let info = follower.store.info().await?;
            let mut place = Place::at(info.log, Position::NONE, Some(epoch));
            self.store_place(&mut place, subscription.head_at_build.min(info.head)).await?;
            return Ok(place);
        }
        let place = self.follower().look().await?.ok_or(Interruption::OtherLog)?;
        self.letters = Letters::load(&self.follower().store, &self.subscription.name).await?;
        Ok(place)
    }

    /// Some of the events behind a place that belong to this part.
    async fn next_chunk(
        &self,
        page: &mut Option<Taken>,
        pages: &mut Pages,
    ) -> Result<Option<Chunk>, Interruption> {
        if page.as_ref().is_none_or(Taken::is_used_up) {
            let Some(next) = pages.next().await else { return Ok(None) };
            *page = Some(Taken { page: next?, used: 0 });
        }
        let (part, parts) = (self.subscription.part, self.subscription.parts);
        let batch = self.subscription.deliverer.pace.batch();
        Ok(page.as_mut().map(|taken| taken.chunk(batch, |event| part_of(event, parts) == part)))
    }

    /// Handles what is open and stores the place behind it; `false` if
    /// another worker had moved the place.
    async fn handle(&mut self, place: &mut Place) -> Result<bool, Interruption> {
        let Some(mut chunk) = self.chunk.take() else { return Ok(true) };
        if !chunk.is_done() && !self.subscription.volatile {
            let claimed = self.follower().claim::<Interruption>(place).await;
            let moved = matches!(claimed, Ok(Claimed::Moved));
            if moved || claimed.is_err() {
                claimed?;
                self.letters =
                    Letters::load(&self.follower().store, &self.subscription.name).await?;
                return Ok(false);
            }
        }
        let stands = self.lanes(&mut chunk, place.position).await;
        let to = chunk.place(place.position);
        if !chunk.is_done() {
            self.chunk = Some(chunk);
        }
        self.store_place(place, to).await?;
        match stands {
            Some(reason) => Err(Interruption::Stands(reason)),
            None => Ok(true),
        }
    }

    /// Handles the open events of a chunk, lane by lane side by side; gives
    /// the reason if one of them stands still.
    async fn lanes(&mut self, chunk: &mut Chunk, place: Position) -> Option<String> {
        let lanes = chunk.lanes(self.subscription.lanes);
        let this = &*self;
        let runs = lanes.into_iter().map(|lane| Box::pin(this.lane(lane, place)));
        let mut stands = None;
        let mut parked = Vec::new();
        for ended in crate::runtime::join_all(runs.collect()).await {
            for (index, letter) in ended.done {
                chunk.done(index);
                parked.extend(letter);
            }
            stands = stands.or(ended.stands);
        }
        for (position, row) in parked {
            self.letters.add(row.stream.clone(), position);
            self.parked.insert(position, row);
        }
        stands
    }

    async fn lane(&self, lane: Vec<(usize, RecordedEvent)>, place: Position) -> LaneEnded {
        let mut ended = LaneEnded { done: Vec::with_capacity(lane.len()), stands: None };
        let mut blocked: HashMap<String, Position> = HashMap::new();
        let services = &self.follower().services;
        for (index, event) in lane {
            if self.is_stopping() {
                break;
            }
            let position = event.position();
            if self.letters.holds(position) || position <= place {
                ended.done.push((index, None));
                continue;
            }
            let stream = stream_text(event.stream());
            let behind =
                self.letters.blocks(event.stream()).or_else(|| blocked.get(&stream).copied());
            let reason = match behind {
                Some(position) => ParkedFor::Behind { position: position.get() },
                None => {
                    let is_replay = position <= self.subscription.head_at_build;
                    match self.subscription.deliverer.deliver(&event, is_replay).await {
                        Delivered::Parked(reason) if !self.subscription.volatile => reason,
                        Delivered::Done | Delivered::Skipped | Delivered::Parked(_) => {
                            ended.done.push((index, None));
                            continue;
                        }
                        Delivered::Interrupted => break,
                        Delivered::Stands(failure) => {
                            ended.stands = Some(stands_at(position, &failure));
                            break;
                        }
                    }
                }
            };
            tracing::error!(target: "cqrs::event", handler = &*self.subscription.name, %position, ?reason, "event parked");
            blocked.entry(stream).or_insert(position);
            ended.done.push((index, Some((position, Row::of(&event, reason, services.now())))));
        }
        ended
    }

    /// Does what is wanted with dead letters, and what follows from it.
    async fn attend_to_letters(&mut self, place: &mut Place) -> Result<(), Interruption> {
        if self.letters.is_empty() {
            return Ok(());
        }
        let store = self.follower().store.clone();
        for (position, wanted) in wanted(&store, &self.subscription.name).await? {
            match self.follower().claim::<Interruption>(place).await? {
                Claimed::Ours(_) => {}
                Claimed::Moved => return Ok(()),
            }
            let mut next = self.letters.is_first(position).then_some(position);
            let mut discard = wanted == Wanted::Discard;
            if next.is_none() && discard {
                self.clear_letter(place, position, None).await?;
            }
            while let Some(position) = next {
                let Some(event) = self.event_at(position).await? else { break };
                let reason = if discard { None } else { self.again(&event).await? };
                discard = false;
                let row =
                    reason.map(|reason| Row::of(&event, reason, self.follower().services.now()));
                let stays = row.is_some();
                self.clear_letter(place, position, row).await?;
                if stays {
                    break;
                }
                next = self.letters.next_behind(&stream_text(event.stream()));
            }
            self.forget_wish(position).await?;
        }
        Ok(())
    }

    /// Tries a parked event again; gives the reason if it stays.
    async fn again(&self, event: &RecordedEvent) -> Result<Option<ParkedFor>, Interruption> {
        match self.subscription.deliverer.deliver(event, true).await {
            Delivered::Done | Delivered::Skipped => Ok(None),
            Delivered::Parked(reason) => Ok(Some(reason)),
            Delivered::Stands(failure) => {
                Err(Interruption::Stands(stands_at(event.position(), &failure)))
            }
            Delivered::Interrupted => Err(Interruption::Stands("the application stops".to_owned())),
        }
    }

    /// Removes a dead letter, or writes why it stays.
    async fn clear_letter(
        &mut self,
        place: &mut Place,
        position: Position,
        stays: Option<Row>,
    ) -> Result<(), Interruption> {
        let table = letters_of(&self.subscription.name);
        let work = match &stays {
            None => self.unit().delete(table, key(position)),
            Some(row) => self.unit().put(table, key(position), row_bytes(row)),
        };
        let work = work.delete(wanted_of(&self.subscription.name), key(position));
        let epoch = place.epoch.expect("the place is claimed before letters are attended to");
        let cursor = place.cursor(place.stored);
        let work = work.advance_checkpoint(self.follower().checkpoint.clone(), epoch, Some(cursor));
        self.follower().store.commit(work).await?;
        if stays.is_none() {
            self.letters.remove(position);
        }
        self.set_parked();
        Ok(())
    }

    async fn forget_wish(&self, position: Position) -> Result<(), Interruption> {
        let work = self.unit().delete(wanted_of(&self.subscription.name), key(position));
        self.follower().store.commit(work).await?;
        Ok(())
    }

    async fn event_at(&self, position: Position) -> Result<Option<RecordedEvent>, Interruption> {
        let (after, before) = (position.get().saturating_sub(1), position.get().saturating_add(1));
        let request = ReadRequest::all().after(after).before(before).limit(1);
        Ok(self.follower().store.read(request).await?.events().next())
    }

    /// Stores the place, with what was parked before it, unless nothing is to
    /// be said.
    async fn store_place(&mut self, place: &mut Place, to: Position) -> Result<(), Interruption> {
        let far = to.get() >= place.stored.get().saturating_add(STRIDE);
        let moved = to > place.stored && (place.epoch.is_some() || far);
        if !self.subscription.volatile && (moved || !self.parked.is_empty()) {
            let epoch = match self.follower().claim::<Interruption>(place).await? {
                Claimed::Ours(epoch) => epoch,
                Claimed::Moved => return Ok(()),
            };
            let mut work = self.unit();
            for (position, row) in &self.parked {
                work =
                    work.put(letters_of(&self.subscription.name), key(*position), row_bytes(row));
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
        Ok(())
    }

    fn unit(&self) -> UnitOfWork {
        let services = &self.follower().services;
        let now = services.now();
        UnitOfWork::new(Operation::fresh(services.id(now).into()), now)
    }

    fn follower(&self) -> &Follower {
        &self.subscription.follower
    }

    fn is_stopping(&self) -> bool {
        self.follower().tasks.is_stopping()
    }

    fn is_paused(&self) -> bool {
        self.control.paused.load(Ordering::Acquire)
    }

    fn forget(&mut self) {
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

    fn set_parked(&self) {
        let parked = self.letters.len() as u64;
        self.status
            .send_if_modified(|status| std::mem::replace(&mut status.parked, parked) != parked);
    }
}

/// A page of which some events are being handled.
struct Taken {
    page: Page,
    used: usize,
}

impl Taken {
    fn is_used_up(&self) -> bool {
        self.used >= self.page.len()
    }

    fn is_last(&self) -> bool {
        self.is_used_up() && self.page.is_last()
    }

    fn chunk(&mut self, size: usize, is_ours: impl Fn(&RecordedEvent) -> bool) -> Chunk {
        let from = self.used;
        self.used = (from + size).min(self.page.len());
        let events: Vec<_> = self.page.events().skip(from).take(self.used - from).collect();
        let reached = match events.last() {
            Some(last) if !self.is_used_up() => last.position(),
            _ => Position::new(self.page.reached()),
        };
        Chunk::new(events.into_iter().filter(|event| is_ours(event)).collect(), reached)
    }
}

/// How far a lane has come.
struct LaneEnded {
    done: Vec<(usize, Option<(Position, Row)>)>,
    stands: Option<String>,
}

fn row_bytes(row: &Row) -> Vec<u8> {
    serde_json::to_vec(row).expect("a dead letter is made of text and numbers")
}
