//! One call on its way: who asked, until when, and what it has done so far.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::{CancelToken, Origin, Parts};
use crate::message::{Metadata, OperationId, TenantId};
use crate::runtime::Services;
use crate::store::Commit;

/// The context of one call. Clones share it.
///
/// Metadata is made when it is first asked for: a command that records
/// nothing and whose handler does not look costs no clock and no id.
#[derive(Clone)]
pub struct Context(Arc<Call>);

struct Call {
    services: Arc<Services>,
    origin: Origin,
    metadata: OnceLock<Metadata>,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    commits: Vec<Commit>,
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
        Self(Arc::new(Call { services, origin, metadata: OnceLock::new(), done: Mutex::default() }))
    }

    /// The message's metadata, its time fixed at the first look.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.0.metadata.get_or_init(|| {
            let now = self.0.services.now();
            self.0.origin.metadata(|| self.0.services.id(now).into(), now)
        })
    }

    /// Whose data the call touches.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.said().map_or_else(TenantId::default, |said| said.tenant.clone())
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
    pub(crate) fn committed(&self, commit: Commit) {
        let mut done = self.done();
        done.in_doubt = None;
        done.commits.push(commit);
    }

    /// The unit whose outcome is not known.
    pub(crate) fn in_doubt(&self) -> Option<OperationId> {
        self.done().in_doubt
    }

    /// The commits of this call so far.
    pub(crate) fn take_commits(&self) -> Vec<Commit> {
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
