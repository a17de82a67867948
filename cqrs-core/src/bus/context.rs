//! One call on its way: who asked, until when, and what it has done so far.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::{CancelToken, Origin, Parts};
use crate::event::encode_details;
use crate::message::{CodecError, MessageId, Metadata, OperationId, TenantId, Timestamp};
use crate::runtime::Services;
use crate::store::{Cause, Commit, Few};

/// The context of one call. Clones share it.
///
/// Metadata is made when it is first asked for: a command that records
/// nothing and whose handler does not look costs no clock and no id.
#[derive(Clone)]
pub struct Context(Arc<Call>);

struct Call {
    services: Arc<Services>,
    origin: Origin,
    stamp: OnceLock<Stamp>,
    metadata: OnceLock<Box<Metadata>>,
    done: Mutex<Done>,
}

/// What is made up for a message, at the first look. An event needs no more
/// of its metadata where the caller has said nothing.
#[derive(Clone, Copy)]
struct Stamp {
    id: MessageId,
    now: Timestamp,
}

#[derive(Default)]
struct Done {
    commits: Few<Commit>,
    in_doubt: Option<OperationId>,
    units: u32,
}

impl Context {
    pub(crate) fn new(services: Arc<Services>, mut origin: Origin) -> Self {
        if let Some(limit) = origin.said().and_then(|said| said.timeout) {
            let end = services.clock.monotonic().saturating_add(limit);
            let deadline = &mut origin.say().deadline;
            *deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
        }
        let (stamp, metadata) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Call { services, origin, stamp, metadata, done: Mutex::default() }))
    }

    #[inline]
    fn stamp(&self) -> Stamp {
        *self.0.stamp.get_or_init(|| {
            let now = self.0.services.now();
            let given = self.said().and_then(|said| said.message_id);
            Stamp { id: given.unwrap_or_else(|| self.0.services.id(now).into()), now }
        })
    }

    /// The message's metadata, its time fixed at the first look.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.0.metadata.get_or_init(|| {
            let Stamp { id, now } = self.stamp();
            Box::new(self.0.origin.metadata(id, now))
        })
    }

    /// What the events of the call share.
    #[inline]
    pub(crate) fn cause(&self) -> Result<Cause, CodecError> {
        let Stamp { id, now } = self.stamp();
        let (correlation_id, details) = match self.said() {
            None => (id.into(), Bytes::new()),
            Some(_) => (self.metadata().correlation_id, encode_details(self.metadata())?),
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
            Some(said) => &said.tenant,
            None => TenantId::single(),
        }
    }

    /// Whether the caller has named the operation.
    pub(crate) fn names_operation(&self) -> bool {
        self.said().is_some_and(|said| said.operation.is_some())
    }

    /// A typed value that the caller has put in.
    #[must_use]
    pub fn extension<T: 'static>(&self) -> Option<&T> {
        self.said()?.extensions.get()
    }

    /// How long the call may still take, `None` if for ever.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.said()?.deadline?;
        Some(deadline.saturating_sub(self.0.services.clock.monotonic()))
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

    fn said(&self) -> Option<&Parts> {
        self.0.origin.said()
    }

    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.0.services
    }

    /// The origin of a message that this call's handler sends on.
    pub(crate) fn follow(&self) -> Origin {
        let mut origin = Origin::following(self.metadata());
        if let Some(said) = self.said() {
            let next = origin.say();
            next.deadline = said.deadline;
            next.cancel = said.cancel.clone();
            next.extensions = Arc::clone(&said.extensions);
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

    /// The commits of a call that has ended.
    #[inline]
    pub(crate) fn take_commits(&self) -> Few<Commit> {
        std::mem::take(&mut self.done().commits)
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.0.done.lock().expect("nothing panics under the lock")
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("metadata", &self.0.metadata.get()).finish_non_exhaustive()
    }
}
