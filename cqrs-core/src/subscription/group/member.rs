//! A process as a member of its group: says what it runs, looks who else does
//! what, and works out its own share.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::assignment::Units;
use super::{Group, LEASES, MEMBER, Ours, UNIT};
use crate::runtime::{TaskSet, race};
use crate::store::{CommitError, EventStore, Leader, Lease, ReadError, TableName, UnitOfWork};
use crate::subscription::part_names;
use crate::subscription::rows::all_rows;

/// What members run: their holder's name, and the parts of each handler.
const MEMBERS: TableName = TableName::named("event handlers/members");

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
        let mut leader = None;
        race(self.tasks.stopped(), self.take_part(&mut leader)).await;
        let Some(leader) = leader else { return };
        if let Some(lease) = leader.lease() {
            let work = self.unit().delete(MEMBERS, self.key()).fenced_by(&lease);
            if let Err(error) = self.group.store.commit(work).await {
                tracing::debug!(target: "cqrs::event", %error, "the others find out by themselves");
            }
        }
        leader.stop().await;
    }

    async fn take_part(&self, leader: &mut Option<Leader>) {
        let clock = &self.group.services.clock;
        loop {
            let seats = self.group.store.leases(MEMBER).await;
            let Ok(seats) = seats.map_err(|error| self.unknown(&error)) else {
                clock.sleep(self.group.soon()).await;
                continue;
            };
            let leader = leader.insert(self.group.stand_for(free_seat(&seats)));
            let mut watch = leader.watch();
            let patience = clock.sleep(self.group.ttl / 5);
            // Somebody else may have been faster.
            let Some(Some(_)) = race(patience, watch.elected()).await else {
                leader.stop().await;
                continue;
            };
            while let Some(lease) = leader.lease() {
                let is_settled = self.look(&lease).await.unwrap_or_else(|error| {
                    self.unknown(&error);
                    false
                });
                let pause = if is_settled { self.group.ttl / 3 } else { self.group.soon() };
                clock.sleep(pause).await;
            }
            leader.stop().await;
        }
    }

    fn unknown(&self, error: &dyn std::error::Error) {
        tracing::warn!(target: "cqrs::event", %error, "who runs which event handlers is not known");
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
        let rows = all_rows(&self.group.store, &MEMBERS).await?.into_iter();
        Ok(rows.map(|(key, row)| (String::from_utf8_lossy(&key).into(), row)).collect())
    }

    fn unit(&self) -> UnitOfWork {
        UnitOfWork::fresh(&self.group.services)
    }

    fn key(&self) -> Vec<u8> {
        self.group.holder.as_str().as_bytes().to_vec()
    }
}

/// The lease of the first member's place that is free. Places are used again, so
/// that there are no more of them than there were members at once.
fn free_seat(taken: &[Lease]) -> String {
    let name = |number: usize| format!("{MEMBER}{number}");
    let is_free = |name: &String| taken.iter().all(|lease| lease.name().as_str() != name);
    (0..=taken.len()).map(name).find(is_free).expect("one more than are taken")
}

fn is_member(leases: &[Lease], member: &str) -> bool {
    let is_seat = |lease: &Lease| lease.name().as_str().starts_with(MEMBER);
    leases.iter().any(|lease| is_seat(lease) && lease.holder().as_str() == member)
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
