//! One call on its way: who asked, until when, and what it has done so far.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::{CancelToken, Origin, Parts};
use crate::cache;
use crate::event::encode_details;
use crate::message::{
    ActorId, CausationId, CodecError, CorrelationId, MessageId, Metadata, OperationId, TenantId,
    Timestamp, TraceContext,
};
use crate::policy::Principal;
use crate::runtime::Services;
use crate::store::{Cause, Commit, CommitToken, Few, Position, StreamId, StreamVersion};

/// The context of one call. Clones share it.
///
/// Metadata is made when it is first asked for: a command that records
/// nothing and whose handler does not look costs no clock and no id.
#[derive(Clone)]
pub struct Context(Arc<Call>);

thread_local! {
    /// The room of a call that is over, for the next one of this thread.
    static SPARE: Cell<Option<Arc<Call>>> = const { Cell::new(None) };
}

struct Call {
    services: Arc<Services>,
    origin: Origin,
    stamp: OnceLock<Stamp>,
    metadata: OnceLock<Box<Metadata>>,
    /// The same with the actor that a hook has established. Whoever looks
    /// before it has (a span, the hook itself) fixes nothing for those after.
    established: OnceLock<Box<Metadata>>,
    /// Who calls, as a hook has established it.
    principal: OnceLock<Principal>,
    /// When policies first asked for the time, in nanoseconds; 0 if none has.
    moment: AtomicU64,
    /// Whether something has to be tidied up before the next call. Set before
    /// anything else is.
    touched: AtomicBool,
    done: Mutex<Done>,
}

/// What is made up for a message, at the first look. An event needs no more
/// of its metadata where the caller has said nothing.
#[derive(Clone, Copy)]
struct Stamp {
    id: MessageId,
    now: Timestamp,
}

/// What a message is and belongs to.
pub(crate) struct Identity<'a> {
    pub(crate) id: MessageId,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) causation_id: Option<CausationId>,
    pub(crate) trace: Option<&'a TraceContext>,
}

#[derive(Default)]
struct Done {
    commits: Few<Commit>,
    in_doubt: Option<OperationId>,
    units: u32,
    /// How often a policy lets a command be decided again.
    conflicts: Option<u32>,
    /// The time of the handler has run out.
    expired: bool,
    /// The handler whose limit of concurrency this call has its turn in.
    turn: Option<&'static str>,
}

impl Context {
    pub(crate) fn new(services: Arc<Services>, origin: Origin) -> Self {
        let origin = settled(&services, origin);
        Self(Arc::new(Call {
            touched: AtomicBool::new(origin.said().is_some()),
            services,
            origin,
            stamp: OnceLock::new(),
            metadata: OnceLock::new(),
            established: OnceLock::new(),
            principal: OnceLock::new(),
            moment: AtomicU64::new(0),
            done: Mutex::default(),
        }))
    }

    /// As [`Context::new`], in the room of a call that is over.
    #[inline]
    pub(crate) fn reusing(services: &Arc<Services>, origin: Origin) -> Self {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let spare = spare.filter(|room| Arc::ptr_eq(&room.services, services));
        match spare {
            Some(room) if origin.said().is_none() => Self(room),
            Some(mut room) => {
                let free = Arc::get_mut(&mut room).expect("nobody else has a room that is spare");
                free.origin = settled(services, origin);
                *free.touched.get_mut() = true;
                Self(room)
            }
            None => Self::new(Arc::clone(services), origin),
        }
    }

    /// Leaves the room of a call that is over to the next one, unless somebody
    /// still looks at it.
    #[inline]
    pub(crate) fn leave(self) {
        if Arc::strong_count(&self.0) > 1 {
            return;
        }
        // Nobody else has it any more, and what they have done is seen.
        fence(Ordering::Acquire);
        if self.is_untouched() { Self::spare(self.0) } else { self.tidy() }
    }

    /// Whether nothing was made for the call, and nothing done by it.
    #[inline]
    pub(crate) fn is_untouched(&self) -> bool {
        !self.0.touched.load(Ordering::Relaxed)
    }

    fn tidy(mut self) {
        if let Some(room) = Arc::get_mut(&mut self.0) {
            *room.touched.get_mut() = false;
            *room.moment.get_mut() = 0;
            room.origin = Origin::new();
            room.stamp.take();
            room.metadata.take();
            room.established.take();
            room.principal.take();
            let done = room.done.get_mut().expect("nothing panics under the lock");
            *done = Done::default();
            Self::spare(self.0);
        }
    }

    #[inline]
    fn spare(room: Arc<Call>) {
        let _ = SPARE.try_with(|spare| spare.set(Some(room)));
    }

    #[inline]
    fn stamp(&self) -> Stamp {
        *self.0.stamp.get_or_init(|| {
            self.0.touched.store(true, Ordering::Relaxed);
            let now = self.0.services.now();
            let given = self.said().and_then(|said| said.message_id);
            Stamp { id: given.unwrap_or_else(|| self.0.services.id(now).into()), now }
        })
    }

    /// The message's metadata, its time fixed at the first look.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        let is_established = self.0.principal.get().is_some();
        let place = if is_established { &self.0.established } else { &self.0.metadata };
        place.get_or_init(|| {
            let Stamp { id, now } = self.stamp();
            let mut metadata = self.0.origin.metadata(id, now);
            if let Some(principal) = self.principal() {
                metadata.actor = Some(principal.actor().clone());
            }
            Box::new(metadata)
        })
    }

    /// What the message is and belongs to, without who calls.
    pub(crate) fn identity(&self) -> Identity<'_> {
        let id = self.stamp().id;
        let said = self.said();
        Identity {
            id,
            correlation_id: said.and_then(|said| said.correlation_id).unwrap_or(id.into()),
            causation_id: said.and_then(|said| said.causation_id),
            trace: said.and_then(|said| said.trace.as_ref()),
        }
    }

    /// What the events of the call share.
    #[inline]
    pub(crate) fn cause(&self) -> Result<Cause, CodecError> {
        let Stamp { id, now } = self.stamp();
        let is_known = self.said().is_some() || self.0.principal.get().is_some();
        let (correlation_id, details) = match is_known {
            false => (id.into(), Bytes::new()),
            true => (self.metadata().correlation_id, encode_details(self.metadata())?),
        };
        Ok(Cause { occurred_at: now, correlation_id, causation_id: id.into(), details })
    }

    /// Whose data the call touches.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant_ref().clone()
    }

    pub(crate) fn tenant_ref(&self) -> &TenantId {
        match self.said() {
            Some(said) => said.tenant(),
            None => TenantId::single(),
        }
    }

    /// The time at which the call came to its policies: read once, since they
    /// follow each other without waiting, mostly.
    pub(crate) fn moment(&self) -> Duration {
        match self.0.moment.load(Ordering::Relaxed) {
            0 => {
                let now = self.0.services.clock.monotonic();
                let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).max(1);
                self.0.touched.store(true, Ordering::Relaxed);
                self.0.moment.store(nanos, Ordering::Relaxed);
                now
            }
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Has the time read again: something was waited for.
    pub(crate) fn forget_moment(&self) {
        self.0.moment.store(0, Ordering::Relaxed);
    }

    /// Who calls, if that is established.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.get().or_else(|| self.said()?.principal.as_ref())
    }

    /// Whoever calls, established or only said.
    #[must_use]
    pub fn actor(&self) -> Option<&ActorId> {
        let established = self.0.principal.get().map(Principal::actor);
        established.or_else(|| self.said()?.actor())
    }

    pub(crate) fn set_principal(&self, principal: Principal) {
        self.0.touched.store(true, Ordering::Relaxed);
        // Established once: whoever comes later changes nothing.
        let _: Result<(), _> = self.0.principal.set(principal);
    }

    /// Whether the caller has named the operation.
    pub(crate) fn names_operation(&self) -> bool {
        self.said().is_some_and(|said| said.operation.is_some())
    }

    /// What an answer that was kept must reflect.
    pub(crate) fn stamp_of_answers(&self) -> cache::Stamp {
        match self.after() {
            Some((token, _)) => cache::Stamp::at_least(Position::new(token.mark())),
            None => cache::Stamp::ANY,
        }
    }

    /// The commit that an answer must show, and how long to wait for it.
    pub(crate) fn after(&self) -> Option<&(CommitToken, Duration)> {
        self.said()?.after.as_ref()
    }

    /// How long a caller waits to see what was stored.
    pub(crate) fn shown_within(&self) -> Option<Duration> {
        self.said()?.shown_within
    }

    /// A typed value that the caller has put in.
    #[must_use]
    pub fn extension<T: 'static>(&self) -> Option<&T> {
        self.said()?.extensions.as_ref()?.get()
    }

    /// How long the call may still take, `None` if for ever.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.said()?.deadline?;
        Some(deadline.saturating_sub(self.0.services.clock.monotonic()))
    }

    /// When the call must have ended, if a handler may take so long from when
    /// the call came to its policies.
    pub(crate) fn ends(&self, limit: Option<Duration>) -> Option<Duration> {
        let given = self.said().and_then(|said| said.deadline);
        let limit = limit.map(|limit| self.moment().saturating_add(limit));
        match (given, limit) {
            (Some(given), Some(limit)) => Some(given.min(limit)),
            (given, limit) => given.or(limit),
        }
    }

    /// The token by which the caller cancels.
    #[must_use]
    pub fn cancel_token(&self) -> Option<&CancelToken> {
        self.said()?.cancel.as_ref()
    }

    /// Whether the caller has set an end to the call.
    pub(crate) fn is_bounded(&self) -> bool {
        self.said().is_some_and(|said| said.deadline.is_some() || said.cancel.is_some())
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.said()?.timeout
    }

    /// How many messages have led to this one, within the application.
    pub(crate) fn depth(&self) -> u32 {
        self.said().map_or(0, |said| said.depth)
    }

    /// Whether the call runs in the turn of a handler already.
    pub(crate) fn has_turn(&self, handler: &'static str) -> bool {
        self.said().is_some_and(|said| said.turns.contains(&handler))
    }

    pub(crate) fn take_turn(&self, handler: &'static str) {
        self.done().turn = Some(handler);
    }

    fn said(&self) -> Option<&Parts> {
        self.0.origin.said()
    }

    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.0.services
    }

    /// The origin of a message that this call's handler sends on.
    pub(crate) fn follow(&self) -> Origin {
        let mut origin = Origin::following(self.metadata());
        origin.say().depth = self.depth() + 1;
        if let Some(said) = self.said() {
            let next = origin.say();
            next.deadline = said.deadline;
            next.cancel = said.cancel.clone();
            next.extensions = said.extensions.clone();
            next.principal = said.principal.clone();
            next.turns = said.turns.clone();
        }
        if let Some(turn) = self.done().turn {
            origin.say().turns.push(turn);
        }
        if let Some(principal) = self.0.principal.get() {
            origin.say().principal = Some(principal.clone());
        }
        origin
    }

    /// The id for the next unit of work of a call whose operation was given:
    /// the given one first, then ids that follow from it.
    pub(crate) fn next_operation(&self) -> Option<OperationId> {
        let given = self.said()?.operation?;
        let mut done = self.done();
        let ordinal = done.units;
        done.units += 1;
        if ordinal == 0 {
            return Some(given);
        }
        let (high, low) = given.as_uuid().as_u64_pair();
        let step = |half: u64| crate::message::mix(half ^ u64::from(ordinal));
        let id = uuid::Builder::from_custom_bytes(
            uuid::Uuid::from_u64_pair(step(high), step(low)).into_bytes(),
        );
        Some(OperationId::from_uuid(id.into_uuid()))
    }

    /// Notes that a unit was handed to the store.
    pub(crate) fn handed_over(&self, operation: OperationId) {
        self.done().in_doubt = Some(operation);
    }

    /// Notes that the unit did not commit.
    pub(crate) fn came_back(&self) {
        self.done().in_doubt = None;
    }

    /// Notes a commit.
    #[inline]
    pub(crate) fn committed(&self, commit: Commit) {
        let mut done = self.done();
        done.in_doubt = None;
        done.commits.push(commit);
    }

    /// The unit whose outcome is not known.
    pub(crate) fn in_doubt(&self) -> Option<OperationId> {
        self.done().in_doubt
    }

    /// Whether anything of the call is stored.
    pub(crate) fn has_committed(&self) -> bool {
        !self.done().commits.is_empty()
    }

    /// What the call has written until now.
    pub(crate) fn streams(&self) -> Vec<(StreamId, StreamVersion)> {
        self.done().commits.iter().flat_map(Commit::streams).cloned().collect()
    }

    /// The handler runs once more: its units have the ids that they had.
    pub(crate) fn begin_again(&self) {
        let mut done = self.done();
        (done.units, done.in_doubt) = (0, None);
        done.commits = Few::default();
    }

    /// How often a command is decided again, if a policy says so.
    pub(crate) fn conflicts(&self) -> Option<u32> {
        self.done().conflicts
    }

    pub(crate) fn set_conflicts(&self, count: u32) {
        self.done().conflicts = Some(count);
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.done().expired
    }

    pub(crate) fn expire(&self) {
        self.done().expired = true;
    }

    /// The commits of a call that has ended.
    #[inline]
    pub(crate) fn take_commits(&self) -> Few<Commit> {
        if self.is_untouched() {
            return Few::default();
        }
        std::mem::take(&mut self.done().commits)
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.0.touched.store(true, Ordering::Relaxed);
        self.0.done.lock().expect("nothing panics under the lock")
    }
}

/// What a caller has said, with what follows from it.
#[inline]
fn settled(services: &Services, mut origin: Origin) -> Origin {
    let Some(said) = origin.said() else { return origin };
    let operation = said.key.as_ref().map(|key| operation_of(said.tenant().as_str(), key));
    let end = said.timeout.map(|limit| services.clock.monotonic().saturating_add(limit));
    if let Some(id) = operation {
        origin.say().operation.get_or_insert(id);
    }
    if let Some(end) = end {
        let deadline = &mut origin.say().deadline;
        *deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
    }
    origin
}

/// The operation that a tenant's key stands for.
fn operation_of(tenant: &str, key: &str) -> OperationId {
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    for piece in [tenant, key] {
        hash.update(&(piece.len() as u64).to_le_bytes());
        hash.update(piece.as_bytes());
    }
    let bytes = hash.digest128().to_le_bytes();
    OperationId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("metadata", &self.0.metadata.get()).finish_non_exhaustive()
    }
}
