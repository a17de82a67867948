//! A process as a member of its group: says what it runs, looks who else does
//! what, and works out its own share.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::assignment::Units;
use super::{Group, LEASES, MEMBER, Ours, UNIT};
use crate::runtime::{TaskSet, race};
use crate::store::{
    CommitError, Direction, EventStore, Leader, Lease, Operation, ReadError, TableName, UnitOfWork,
};
use crate::subscription::part_names;

/// What members run: their holder's name, and the parts of each handler.
const MEMBERS: TableName = TableName::named("event handlers/members");
const PAGE: usize = 1_000;

/// Handlers, and how many parts each has.
pub(super) type Runs = BTreeMap<String, usize>;

pub(super) struct Member {
    pub(super) group: Group,
    pub(super) runs: Runs,
    pub(super) tasks: TaskSet,
    pub(super) tell: watch::Sender<Option<Ours>>,
}

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Member {
    /// Takes part until the tasks are stopped.
    pub(super) async fn run(self) {
        let name = format!("{MEMBER}{}", self.group.holder);
        let leader = self.group.stand_for(name);
        race(self.tasks.stopped(), self.take_part(&leader)).await;
        if let Some(lease) = leader.lease() {
            let work = self.unit().delete(MEMBERS, self.key()).fenced_by(&lease);
            if let Err(error) = self.group.store.commit(work).await {
                tracing::debug!(target: "cqrs::event", %error, "the others find out by themselves");
            }
        }
        leader.stop().await;
    }

    async fn take_part(&self, leader: &Leader) {
        let mut watch = leader.watch();
        while let Some(lease) = watch.elected().await {
            let is_settled = self.look(&lease).await.unwrap_or_else(|error| {
                tracing::warn!(target: "cqrs::event", %error, "who runs which event handlers is not known");
                false
            });
            let pause = if is_settled { self.group.ttl / 3 } else { self.group.soon() };
            self.group.services.clock.sleep(pause).await;
        }
    }

    /// Works out this member's share, and tells it. `true` once everyone has
    /// exactly theirs.
    async fn look(&self, lease: &Lease) -> Result<bool, LookError> {
        let rows = self.members().await?;
        let leases = self.group.store.leases(LEASES).await?;
        self.say(&rows, &leases, lease).await?;

        let holder = self.group.holder.as_str();
        let mut runs: BTreeMap<&str, Runs> = BTreeMap::from([(holder, self.runs.clone())]);
        for (member, row) in &rows {
            if is_member(&leases, member) && member != holder {
                runs.insert(member, serde_json::from_slice(row).unwrap_or_default());
            }
        }
        let names: Vec<_> = runs.iter().map(|(member, runs)| (*member, units(runs))).collect();
        let mut units = Units::default();
        for (member, handlers) in &names {
            for (handler, unit) in handlers {
                units.can(member, handler, unit);
            }
        }
        let held: Vec<_> = leases.iter().filter_map(held).collect();
        for (unit, holder) in &held {
            units.holds(holder, unit);
        }
        let assigned = units.assign();

        let is_settled = assigned.iter().all(|(unit, member)| held.contains(&(unit, member)));
        let ours = assigned.iter().filter(|(_, member)| **member == holder);
        let ours: Ours = ours.map(|(unit, _)| Arc::from(*unit)).collect();
        self.tell.send_if_modified(|told| {
            let changed = told.as_ref() != Some(&ours);
            *told = Some(ours);
            changed
        });
        Ok(is_settled)
    }

    /// Writes what this member runs, unless it is written, and removes what
    /// members ran that are gone: none of them comes back by that name without
    /// writing it again.
    async fn say(
        &self,
        rows: &BTreeMap<String, Bytes>,
        leases: &[Lease],
        lease: &Lease,
    ) -> Result<(), LookError> {
        let holder = self.group.holder.as_str();
        let gone = rows.keys().filter(|member| *member != holder && !is_member(leases, member));
        let mut work = self.unit().fenced_by(lease);
        for member in gone {
            work = work.delete(MEMBERS, member.clone().into_bytes());
        }
        let row = serde_json::to_vec(&self.runs).expect("names and numbers are JSON");
        if rows.get(holder).is_none_or(|written| *written != row) {
            work = work.put(MEMBERS, self.key(), row);
        }
        if !work.tables().is_empty() {
            self.group.store.commit(work).await?;
        }
        Ok(())
    }

    async fn members(&self) -> Result<BTreeMap<String, Bytes>, ReadError> {
        let mut members = BTreeMap::new();
        let mut from = Bound::Unbounded;
        loop {
            let range = (from, Bound::Unbounded);
            let rows = self.group.store.rows(&MEMBERS, range, Direction::Forward, PAGE).await?;
            let last = rows.get(PAGE - 1).map(|(key, _)| key.clone());
            members.extend(
                rows.into_iter().map(|(key, row)| (String::from_utf8_lossy(&key).into(), row)),
            );
            match last {
                Some(last) => from = Bound::Excluded(last),
                None => return Ok(members),
            }
        }
    }

    fn unit(&self) -> UnitOfWork {
        let services = &self.group.services;
        let now = services.now();
        UnitOfWork::new(Operation::fresh(services.id(now).into()), now)
    }

    fn key(&self) -> Vec<u8> {
        self.group.holder.as_str().as_bytes().to_vec()
    }
}

fn is_member(leases: &[Lease], member: &str) -> bool {
    leases.iter().any(|lease| lease.name().as_str().strip_prefix(MEMBER) == Some(member))
}

/// The unit that a lease is of, and who holds it.
fn held(lease: &Lease) -> Option<(&str, &str)> {
    Some((lease.name().as_str().strip_prefix(UNIT)?, lease.holder().as_str()))
}

/// The units of a member, each with its handler.
fn units(runs: &Runs) -> Vec<(&str, Arc<str>)> {
    let of = |(handler, parts)| part_names(handler, parts).map(move |unit| (handler, unit));
    runs.iter().map(|(handler, parts)| (handler.as_str(), *parts)).flat_map(of).collect()
}
