//! The life of the writing thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::store::{Commit, CommitError, CommitSignal, Position, ReadError};

use super::group::{Group, Log};
use super::{Answer, Job, Opened};
use crate::OpenError;
use crate::connection;
use crate::options::SqliteOptions;
use crate::reader;
use crate::schema;
use crate::session::Session;

/// A group ends at this many units,
const GROUP_UNITS: usize = 1024;
/// or at this many bytes.
const GROUP_BYTES: usize = 8 << 20;
/// How long nobody may write before the thread looks after the file.
const IDLE: Duration = Duration::from_millis(20);

/// Opens the database, reports, and serves until the last handle is gone.
pub(super) fn run(
    options: &SqliteOptions,
    queue: &Receiver<Job>,
    waiting: &AtomicUsize,
    tell: Answer<Result<Opened, OpenError>>,
) {
    let (log, signal) = match open(options) {
        Ok(opened) => opened,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let opened = Opened { log: log.session.log, signal: Arc::clone(&signal) };
    if tell.send(Ok(opened)).is_ok() {
        let path = connection::label(options).display().to_string();
        Thread { log, signal, queue, waiting, path }.serve();
    }
}

fn open(options: &SqliteOptions) -> Result<(Log, Arc<CommitSignal>), OpenError> {
    let path = connection::label(options);
    let connection = connection::writer(options)?;
    let id = schema::open(&connection, &path)?;
    for pragma in &options.pragmas {
        connection.execute_batch(pragma).map_err(|error| OpenError::new(&path, &error.into()))?;
    }
    let mut log = Log::new(Session::new(connection, id), options.index_every);
    log.settle();
    let head = reader::info(&mut log.session).map_err(|fault| OpenError::new(&path, &fault))?;
    Ok((log, Arc::new(CommitSignal::new(head))))
}

struct Thread<'t> {
    log: Log,
    signal: Arc<CommitSignal>,
    queue: &'t Receiver<Job>,
    waiting: &'t AtomicUsize,
    path: String,
}

impl Thread<'_> {
    fn serve(mut self) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| self.wait()) {
            match job {
                Job::Read(task) => {
                    if catch_unwind(AssertUnwindSafe(|| task(&mut self.log.session))).is_err() {
                        self.log.forget();
                    }
                }
                Job::Resolve(operation, answer) => drop(answer.send(self.resolve(operation))),
                job => next = self.commit(job),
            }
        }
        self.log.close();
    }

    /// The next job, `None` when the last handle is gone and nothing waits.
    fn wait(&mut self) -> Option<Job> {
        match self.queue.try_recv() {
            Ok(job) => return Some(job),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        while self.log.has_chores() {
            match self.queue.recv_timeout(IDLE) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.log.do_chores(),
            }
        }
        self.queue.recv().ok()
    }

    /// Commits the job and what has gathered behind it. Returns a job that
    /// had to wait for the group's end.
    fn commit(&mut self, first: Job) -> Option<Job> {
        let mut group = Group::default();
        let mut rest = Some(first);
        while let Some(job) = rest.take() {
            match job {
                Job::Commit(pending) => group.push_unit(pending),
                Job::Refuse(refused) => group.push_refused(refused),
                Job::Claim(name, answer) => group.push_claim(name, answer),
                other => {
                    rest = Some(other);
                    break;
                }
            }
            if group.len() >= GROUP_UNITS || group.weight() >= GROUP_BYTES {
                break;
            }
            rest = self.queue.try_recv().ok();
        }
        let weight = group.weight();
        self.log.commit(group, &self.path, |head: i64| {
            self.signal.raise(Position::new(head.cast_unsigned()));
            self.waiting.fetch_sub(weight, Ordering::Relaxed);
        });
        self.log.checkpoint_if_due();
        rest
    }

    fn resolve(&mut self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        let path = self.path.clone();
        let found = catch_unwind(AssertUnwindSafe(|| self.log.operation(operation)));
        let found = found.unwrap_or_else(|_| {
            self.log.forget();
            Err(crate::fault::Fault::damaged("looking the operation up panicked"))
        });
        match found.map_err(|fault| fault.into_read_error(&path))? {
            None if self.log.is_poisoned() => {
                Err(ReadError::Unavailable { reason: super::group::poisoned(&path) })
            }
            found => Ok(found),
        }
    }
}

/// What a caller learns whose answer will not come.
pub(crate) fn gone(operation: OperationId) -> CommitError {
    CommitError::Unknown { operation, reason: "the writing thread ended".into() }
}
