//! The one thread that writes, and the queue in front of it.
//!
//! Units are handed over in the order of the calls. The thread takes what has
//! gathered as one group, commits it as one transaction with one flush, and
//! answers. What no caller waits for comes after the answers: checkpoints,
//! and, when nobody writes, the derived tables.

mod append;
mod group;
mod heads;
mod index;
mod leases;
mod log;
mod pages;
mod tables;
mod thread;

pub(crate) use leases::LeaseAnswer;
pub(crate) use thread::gone;

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::store::{
    Admission, Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, Holder, Lease,
    LeaseName, LogId, ReadError, UnitOfWork,
};
use tokio::sync::oneshot;

use crate::OpenError;
use crate::connection;
use crate::options::SqliteOptions;
use crate::reader::Task;
use leases::LeaseRequest;

pub(crate) type Answer<T> = oneshot::Sender<T>;
pub(crate) type Receipt = oneshot::Receiver<Result<Commit, CommitError>>;

/// What the thread is asked to do.
enum Job {
    Commit(Box<Pending>),
    /// A unit that was refused before it was queued. Its lineage breaks in
    /// its turn, not before the units ahead of it have committed.
    Refuse(Box<Refused>),
    Claim(CheckpointName, Answer<Result<Checkpoint, CommitError>>),
    Lease(Box<LeaseRequest>, Answer<LeaseAnswer>),
    Resolve(OperationId, Answer<Result<Option<Commit>, ReadError>>),
    Read(Task),
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
    answer: Answer<Result<Commit, CommitError>>,
}

/// What the writing thread found when it opened the database.
pub(crate) struct Opened {
    pub(crate) log: LogId,
    pub(crate) signal: Arc<CommitSignal>,
}

/// The thread and its queue. Dropping it lets the thread finish what is
/// queued, and joins it.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    admission: Arc<Admission>,
}

impl Writer {
    /// Starts the thread, which opens or creates the log.
    pub(crate) async fn open(options: &SqliteOptions) -> Result<(Self, Opened), OpenError> {
        let (jobs, queue) = std::sync::mpsc::channel();
        let (tell, told) = oneshot::channel();
        let admission = Arc::new(Admission::new(options.limits.clone()));
        let unavailable =
            |reason: String| OpenError::Unavailable { path: connection::label(options), reason };
        let (own, counter) = (options.clone(), Arc::clone(&admission));
        let thread = std::thread::Builder::new()
            .name("cqrs-sqlite-writer".into())
            .spawn(move || thread::run(&own, &queue, &counter, tell))
            .map_err(|error| unavailable(error.to_string()))?;
        let (jobs, thread) = (Some(jobs), Some(thread));
        let writer = Self { jobs, thread, admission };
        let opened =
            told.await.map_err(|_| unavailable("the writing thread ended".to_owned()))??;
        Ok((writer, opened))
    }

    /// Queues a unit.
    pub(crate) fn commit(&self, work: UnitOfWork) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        self.send(match self.admission.enter(&work) {
            Err(error) => {
                let work = Admission::emptied(work);
                Job::Refuse(Box::new(Refused { work, error, answer }))
            }
            Ok(weight) => {
                let fingerprint = work.fingerprint();
                Job::Commit(Box::new(Pending { work, fingerprint, weight, answer }))
            }
        });
        receipt
    }

    pub(crate) fn claim(
        &self,
        name: CheckpointName,
    ) -> oneshot::Receiver<Result<Checkpoint, CommitError>> {
        let (answer, receipt) = oneshot::channel();
        self.send(Job::Claim(name, answer));
        receipt
    }

    pub(crate) fn acquire(
        &self,
        name: LeaseName,
        holder: Holder,
        ttl: Duration,
    ) -> oneshot::Receiver<LeaseAnswer> {
        self.lease(LeaseRequest::Acquire(name, holder, ttl))
    }

    pub(crate) fn renew(&self, lease: Lease, ttl: Duration) -> oneshot::Receiver<LeaseAnswer> {
        self.lease(LeaseRequest::Renew(lease, ttl))
    }

    pub(crate) fn release(&self, lease: Lease) -> oneshot::Receiver<LeaseAnswer> {
        self.lease(LeaseRequest::Release(lease))
    }

    fn lease(&self, request: LeaseRequest) -> oneshot::Receiver<LeaseAnswer> {
        let (answer, receipt) = oneshot::channel();
        self.send(Job::Lease(Box::new(request), answer));
        receipt
    }

    pub(crate) fn resolve(
        &self,
        operation: OperationId,
    ) -> oneshot::Receiver<Result<Option<Commit>, ReadError>> {
        let (answer, receipt) = oneshot::channel();
        self.send(Job::Resolve(operation, answer));
        receipt
    }

    pub(crate) fn read(&self, task: Task) {
        self.send(Job::Read(task));
    }

    /// A job that finds no thread is dropped, and its caller learns that.
    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
