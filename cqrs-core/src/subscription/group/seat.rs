//! A part of an event handler, waiting for its turn.

use std::sync::Arc;

use super::{Group, Ours, UNIT};
use crate::runtime::{TaskSet, race};
use crate::store::{EventStore, Leader, Lease, LeaseError};

/// Where a part waits until it is this process that works on it.
pub(crate) struct Seat {
    group: Group,
    unit: Arc<str>,
}

/// This process works on a part.
pub(crate) struct Turn {
    leader: Leader,
    lease: Lease,
    group: Group,
    unit: Arc<str>,
}

impl Seat {
    pub(super) fn new(group: Group, unit: Arc<str>) -> Self {
        Self { group, unit }
    }

    /// Whether it is known who works on what.
    pub(crate) fn is_known(&self) -> bool {
        self.group.ours.borrow().is_some()
    }

    /// Waits until it is this part's turn here; `None` if the group is left.
    ///
    /// It is not to be dropped: a lease that was just asked for would then be
    /// left to end by itself. It ends when the tasks are stopped.
    pub(crate) async fn turn(&self, tasks: &TaskSet) -> Option<Turn> {
        let Self { group, unit } = self;
        let mut ours = group.ours.clone();
        let is_ours = |ours: &Option<Ours>| ours.as_ref().is_some_and(|ours| ours.contains(unit));
        while !tasks.is_stopping() {
            let waits = async { ours.wait_for(is_ours).await.is_ok() };
            if race(tasks.stopped(), waits).await != Some(true) {
                return None;
            }
            let leader = group.stand_for(format!("{UNIT}{unit}"));
            let mut watch = leader.watch();
            let elsewhere = async {
                // Who has left waits for nothing.
                let moved = async { drop(ours.wait_for(|ours| !is_ours(ours)).await) };
                race(tasks.stopped(), moved).await;
            };
            if let Some(Some(lease)) = race(elsewhere, watch.elected()).await {
                tracing::debug!(target: "cqrs::event", part = &**unit, "works on it");
                let (group, unit) = (group.clone(), Arc::clone(unit));
                return Some(Turn { leader, lease, group, unit });
            }
            leader.stop().await;
        }
        None
    }
}

impl Turn {
    /// Whether nobody else can be at work on the part, as far as this process's
    /// clock tells.
    pub(crate) fn is_held(&self) -> bool {
        self.leader.holds(&self.lease)
    }

    /// Whether it is to stay here.
    pub(crate) fn is_ours(&self) -> bool {
        let ours = self.group.ours.borrow();
        ours.as_ref().is_some_and(|ours| ours.contains(&self.unit))
    }

    /// Waits until it is to go elsewhere.
    pub(crate) async fn moves_away(&self) {
        let mut ours = self.group.ours.clone();
        let is_ours =
            |ours: &Option<Ours>| ours.as_ref().is_some_and(|ours| ours.contains(&self.unit));
        if ours.wait_for(|ours| !is_ours(ours)).await.is_err() {
            // Who has left waits until the tasks are stopped.
            std::future::pending::<()>().await;
        }
    }

    /// Takes another lease for this process as well, `None` if somebody else
    /// holds it.
    pub(crate) async fn take(&self, kind: &str, name: &str) -> Result<Option<Lease>, LeaseError> {
        let Group { store, holder, ttl, .. } = &self.group;
        store.acquire_lease(&format!("{kind}{name}").into(), holder, *ttl).await
    }

    /// Lets leases that it has taken last as long as if they were new.
    pub(crate) async fn renew(&self, leases: &[Lease]) -> Result<(), LeaseError> {
        for lease in leases {
            self.group.store.renew_lease(lease, self.group.ttl).await?;
        }
        Ok(())
    }

    /// Lets the next one work on it.
    pub(crate) async fn pass_on(self) {
        tracing::debug!(target: "cqrs::event", part = &*self.unit, "works on it no more");
        self.leader.stop().await;
    }
}
