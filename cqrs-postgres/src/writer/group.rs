//! A group of units, committed as one transaction and answered together.

use std::collections::HashSet;

use cqrs_core::OperationId;
use cqrs_core::store::{Commit, CommitError, UnitOfWork};

use super::{Job, Pending, Refused};

/// A group ends at this many units,
const GROUP_UNITS: usize = 1024;
/// or at this many bytes.
const GROUP_BYTES: usize = 8 << 20;

/// What is answered together.
#[derive(Default)]
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    weight: usize,
    operations: HashSet<OperationId>,
    /// Whether its units concern the log; others do not wait for its lock.
    of_log: Option<bool>,
}

/// A unit of a group.
pub(super) enum Member {
    Unit(Box<Pending>),
    Refused(Box<Refused>),
}

impl Group {
    /// Takes a unit that belongs into the same transaction, and gives back
    /// other jobs.
    pub(super) fn take(&mut self, job: Job) -> Option<Job> {
        match job {
            Job::Commit(pending) => {
                let of_log = concerns_log(&pending.work);
                let operation = pending.work.operation();
                let is_first = operation.is_fresh() || !self.operations.contains(&operation.id());
                if *self.of_log.get_or_insert(of_log) != of_log || !is_first {
                    return Some(Job::Commit(pending));
                }
                self.operations.insert(operation.id());
                self.weight += pending.weight;
                self.members.push(Member::Unit(pending));
                None
            }
            Job::Refuse(refused) => {
                self.members.push(Member::Refused(refused));
                None
            }
            other => Some(other),
        }
    }

    pub(super) fn concerns_log(&self) -> bool {
        self.of_log.unwrap_or(false)
    }

    pub(super) fn is_full(&self) -> bool {
        self.members.len() >= GROUP_UNITS || self.weight >= GROUP_BYTES
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Answers each with its outcome; who failed breaks its lineage first.
    pub(super) fn answer(self, outcomes: Vec<Result<Commit, CommitError>>) {
        for (member, outcome) in self.members.iter().zip(&outcomes) {
            if outcome.is_err() {
                member.work().sever_lineage();
            }
        }
        for (member, outcome) in self.members.into_iter().zip(outcomes) {
            match member {
                Member::Unit(pending) => drop(pending.answer.send(outcome)),
                Member::Refused(refused) => refused.asked.answer(outcome),
            }
        }
    }
}

impl Member {
    pub(super) fn work(&self) -> &UnitOfWork {
        match self {
            Self::Unit(pending) => &pending.work,
            Self::Refused(refused) => &refused.work,
        }
    }
}

/// Whether a unit appends to the log, rests on it, or records an operation in
/// it: who looks for the operation waits for the lock.
fn concerns_log(work: &UnitOfWork) -> bool {
    !work.streams().is_empty() || !work.guards().is_empty() || !work.operation().is_fresh()
}
