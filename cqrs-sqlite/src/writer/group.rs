//! A group of jobs, committed as one transaction and answered together.

use std::sync::Arc;

use cqrs_core::OperationId;
use cqrs_core::store::{Checkpoint, CheckpointName, Commit, CommitError};

use super::leases::{self, LeaseAnswer, LeaseRequest};
use super::{Answer, Job, Pending, Refused};

/// A group ends at this many units,
const GROUP_UNITS: usize = 1024;
/// or at this many bytes.
const GROUP_BYTES: usize = 8 << 20;

/// What is answered together.
#[derive(Default)]
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    weight: usize,
}

/// A job of a group with its outcome, once there is one.
pub(super) enum Member {
    Unit(Box<Pending>, Option<Result<Commit, CommitError>>),
    Refused(Box<Refused>),
    Claim(CheckpointName, Answer<Result<Checkpoint, CommitError>>, Option<Checkpoint>),
    Lease(Box<LeaseRequest>, Answer<LeaseAnswer>, Option<LeaseAnswer>),
}

/// How a group failed as a whole.
pub(super) enum Failure {
    NotCommitted(CommitError),
    Unknown(Arc<str>),
}

impl Group {
    /// Whether a job belongs into a transaction.
    pub(super) fn is_for(job: &Job) -> bool {
        matches!(job, Job::Commit(_) | Job::Refuse(_) | Job::Claim(..) | Job::Lease(..))
    }

    /// Takes a job that belongs into a transaction, and gives back others.
    pub(super) fn take(&mut self, job: Job) -> Option<Job> {
        self.members.push(match job {
            Job::Commit(pending) => {
                self.weight += pending.weight;
                Member::Unit(pending, None)
            }
            Job::Refuse(refused) => Member::Refused(refused),
            Job::Claim(name, answer) => Member::Claim(name, answer, None),
            Job::Lease(request, answer) => Member::Lease(request, answer, None),
            other => return Some(other),
        });
        None
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

    /// Breaks the lineages of all units.
    pub(super) fn sever(&self) {
        for member in &self.members {
            if let Member::Unit(pending, _) = member {
                pending.work.sever_lineage();
            }
        }
    }

    pub(super) fn answer(self, failure: Option<&Failure>) {
        for member in self.members {
            match member {
                Member::Unit(pending, outcome) => {
                    let operation = pending.work.operation().id();
                    let _ = pending.answer.send(match failure {
                        Some(failure) => Err(failure.error(operation)),
                        None => outcome.unwrap_or_else(|| Err(super::thread::gone(operation))),
                    });
                }
                Member::Refused(refused) => drop(refused.answer.send(Err(refused.error))),
                Member::Lease(_, answer, outcome) => {
                    let _ = answer.send(match (failure, outcome) {
                        (None, Some(outcome)) => outcome,
                        (Some(failure), _) => {
                            leases::failed(&failure.reason(), failure.is_transient())
                        }
                        (None, None) => leases::failed(&"the lease was not reached".into(), true),
                    });
                }
                Member::Claim(_, answer, claimed) => {
                    let _ = answer.send(match (failure, claimed) {
                        (None, Some(checkpoint)) => Ok(checkpoint),
                        (Some(Failure::NotCommitted(error)), _) => Err(error.clone()),
                        (Some(Failure::Unknown(reason)), _) => Err(unknown_claim(reason)),
                        (None, None) => Err(unknown_claim("the claim was not reached")),
                    });
                }
            }
        }
    }
}

impl Failure {
    fn reason(&self) -> Arc<str> {
        match self {
            Self::NotCommitted(error) => error.to_string().into(),
            Self::Unknown(reason) => Arc::clone(reason),
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::NotCommitted(error) if error.is_retryable())
    }

    fn error(&self, operation: OperationId) -> CommitError {
        match self {
            Self::NotCommitted(error) => error.clone(),
            Self::Unknown(reason) => CommitError::Unknown { operation, reason: Arc::clone(reason) },
        }
    }
}

/// A claim has no operation to resolve; claiming again settles it.
fn unknown_claim(reason: &str) -> CommitError {
    let reason = format!("{reason}; claim the checkpoint again").into();
    CommitError::Unavailable { reason, transient: false }
}
