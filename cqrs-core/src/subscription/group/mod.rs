//! The processes that share the event handlers of a log.
//!
//! Each process is a *member*, for as long as it keeps a lease renewed, and says
//! which handlers it runs. Each part of a handler is a *unit* that one member
//! works on at a time, by a lease of its own. Every member reads the same
//! members and the same leases and works out by the same rule who works on
//! what ([`assignment`]); nobody leads. Two that have read at different times may
//! both want a unit, or none: the lease lets one in, and the next look sets it
//! right.
//!
//! A member that is to give a unit away ends what it has begun, stores its
//! place, and gives the lease back, so that nothing is handled twice. One that
//! dies keeps its units until their leases end. Whoever gets a unit claims its
//! place anew, so that one that only slept can move it no more.
//!
//! Rejected: whoever finds something to do takes the place over. Who is fastest
//! does everything, and a handler that takes longer than the others' patience
//! is run by two at once.

mod assignment;
mod member;
mod seat;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::member::Member;
pub(crate) use self::seat::{Seat, Turn};
use crate::runtime::{Services, TaskSet};
use crate::store::{Holder, Leader, Store};

/// Before the names of all leases of all groups.
const LEASES: &str = "event handlers/";
const MEMBER: &str = "event handlers/member/";
pub(crate) const UNIT: &str = "event handlers/part/";
/// Held by whoever divides a handler into parts.
pub(crate) const DIVIDING: &str = "event handlers/dividing/";

/// The parts that a process is to work on.
type Ours = BTreeSet<Arc<str>>;

/// One process among those that share the event handlers of a log.
#[derive(Clone)]
pub(crate) struct Group {
    store: Store,
    services: Arc<Services>,
    holder: Holder,
    ttl: Duration,
    /// Nothing is told before the first look.
    ours: watch::Receiver<Option<Ours>>,
}

impl Group {
    /// Joins, with the handlers that this process runs and how many parts each
    /// has; leaves when the tasks are stopped.
    pub(crate) fn join(
        store: &Store,
        services: &Arc<Services>,
        tasks: &TaskSet,
        ttl: Duration,
        runs: impl IntoIterator<Item = (&'static str, usize)>,
    ) -> Self {
        let holder = services.id(services.now()).to_string().into();
        let (tell, ours) = watch::channel(None);
        let (store, services) = (store.clone(), Arc::clone(services));
        let group = Self { store, services, holder, ttl, ours };
        let runs = runs.into_iter().map(|(handler, parts)| (handler.to_owned(), parts)).collect();
        let member = Member { group: group.clone(), runs, tasks: tasks.clone(), tell };
        tasks.service("event handlers", Box::pin(member.run()));
        group
    }

    /// Where one part waits for its turn.
    pub(crate) fn seat(&self, unit: Arc<str>) -> Seat {
        Seat::new(self.clone(), unit)
    }

    fn stand_for(&self, lease: String) -> Leader {
        let options = Leader::options(lease, self.holder.clone());
        let options = options.ttl(self.ttl).margin(self.ttl / 5).retry(self.soon());
        options.start(&self.store, &self.services)
    }

    /// Between two looks while not everyone has what is theirs.
    fn soon(&self) -> Duration {
        self.ttl / 20
    }
}
