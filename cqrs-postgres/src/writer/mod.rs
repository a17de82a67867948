//! The one task that writes, and the queue in front of it.
//!
//! Units are handed over in the order of the calls. The task takes what has
//! gathered as one group, commits it as one transaction in one round trip, and
//! answers.

mod asked;
mod beliefs;
mod draft;
mod group;
mod guards;
mod link;
mod numbers;
mod statement;
mod task;
mod verdict;
mod within;

pub(crate) use task::{Parts, gone};
pub(crate) use within::append;

use std::sync::Arc;

use cqrs_core::OperationId;
use cqrs_core::store::{
    Admission, Checkpoint, CheckpointName, Commit, CommitError, Limits, ReadError, UnitOfWork,
};
use tokio::sync::{mpsc, oneshot};

use asked::{Asked, Places};

pub(crate) type Answer<T> = oneshot::Sender<T>;
pub(crate) type Receipt = oneshot::Receiver<Result<Commit, CommitError>>;

/// What the task is asked to do.
enum Job {
    Commit(Box<Pending>),
    /// A unit that was refused before it was queued. Its lineage breaks in
    /// its turn, not before the units ahead of it have committed.
    Refuse(Box<Refused>),
    Claim(CheckpointName, Asked<Result<Checkpoint, CommitError>>),
    Resolve(OperationId, Asked<Result<Option<Commit>, ReadError>>),
}

struct Pending {
    work: UnitOfWork,
    fingerprint: u128,
    weight: usize,
    answer: Answer<Result<Commit, CommitError>>,
}

struct Refused {
    work: UnitOfWork,
    error: CommitError,
    asked: Asked<Result<Commit, CommitError>>,
}

/// The queue. When it is dropped, the task finishes what is queued and ends.
pub(crate) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    admission: Arc<Admission>,
    places: Places,
}

impl Writer {
    /// Starts the task on the runtime around the call.
    #[expect(clippy::disallowed_methods, reason = "a store is opened before an application")]
    pub(crate) fn start(parts: Parts, limits: Limits) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let admission = Arc::new(Admission::new(limits));
        tokio::spawn(task::run(parts, queue, Arc::clone(&admission)));
        Self { jobs, admission, places: Places::new() }
    }

    /// Queues a unit.
    pub(crate) fn commit(&self, work: UnitOfWork) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        match self.admission.enter(&work) {
            Err(error) => self.refuse(work, error, answer),
            Ok(weight) => {
                let fingerprint = work.fingerprint();
                let pending = Pending { work, fingerprint, weight, answer };
                self.send(Job::Commit(Box::new(pending)));
            }
        }
        receipt
    }

    /// Refuses at once what breaks no lineage, and everything when too much
    /// waits: a lineage that breaks too early costs its units another try.
    fn refuse(
        &self,
        work: UnitOfWork,
        error: CommitError,
        answer: Answer<Result<Commit, CommitError>>,
    ) {
        let place = work.lineage().and_then(|_| self.places.take());
        let Some(place) = place else {
            work.sever_lineage();
            let _ = answer.send(Err(error));
            return;
        };
        let (work, asked) = (Admission::emptied(work), Asked::new(answer, place));
        self.send(Job::Refuse(Box::new(Refused { work, error, asked })));
    }

    pub(crate) fn claim(
        &self,
        name: CheckpointName,
    ) -> oneshot::Receiver<Result<Checkpoint, CommitError>> {
        let (answer, receipt) = oneshot::channel();
        match self.places.take() {
            Some(place) => self.send(Job::Claim(name, Asked::new(answer, place))),
            None => {
                let error =
                    CommitError::Unavailable { reason: self.places.full(), transient: true };
                let _ = answer.send(Err(error));
            }
        }
        receipt
    }

    pub(crate) fn resolve(
        &self,
        operation: OperationId,
    ) -> oneshot::Receiver<Result<Option<Commit>, ReadError>> {
        let (answer, receipt) = oneshot::channel();
        match self.places.take() {
            Some(place) => self.send(Job::Resolve(operation, Asked::new(answer, place))),
            None => {
                let error = ReadError::Unavailable { reason: self.places.full() };
                let _ = answer.send(Err(error));
            }
        }
        receipt
    }

    /// A job that finds no task is dropped, and its caller learns that.
    fn send(&self, job: Job) {
        let _ = self.jobs.send(job);
    }
}
