//! The life of the writing thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use cqrs_core::OperationId;
use cqrs_core::store::{Admission, Commit, CommitError, CommitSignal, Position, ReadError};

use super::group::Group;
use super::log::{Log, poisoned};
use super::{Answer, Job, Opened};
use crate::OpenError;
use crate::connection;
use crate::fault::Fault;
use crate::migrations::{MIGRATIONS, Migrations};
use crate::options::SqliteOptions;
use crate::reader;
use crate::session::Session;

/// How long a group may wait for callers that were just answered: less than the
/// flush that it saves.
const PATIENCE: Duration = Duration::from_micros(100);
/// How long nobody may write before the thread looks after the file.
const IDLE: Duration = Duration::from_millis(20);

/// Opens the database, reports, and serves until the last handle is gone.
pub(super) fn run(
    options: &SqliteOptions,
    queue: &Receiver<Job>,
    admission: &Admission,
    tell: Answer<Result<Opened, OpenError>>,
) {
    let (log, signal) = match open(options) {
        Ok(opened) => opened,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let opened = Opened { log: log.session.log, signal: Arc::clone(&signal) };
    if tell.send(Ok(opened)).is_ok() {
        let path = connection::label(options).display().to_string();
        let (queued, awaited) = (VecDeque::new(), 0);
        Thread { log, signal, queue, admission, path, queued, awaited }.serve();
    }
}

fn open(options: &SqliteOptions) -> Result<(Log, Arc<CommitSignal>), OpenError> {
    let path = connection::label(options);
    let connection = connection::writer(options)?;
    let migrations = Migrations { connection: &connection, path: &path };
    let (newest, found) = (MIGRATIONS.len() as u32, migrations.look()?.number);
    if found < newest && !options.migrate {
        return Err(OpenError::NotMigrated { path, missing: found + 1 });
    }
    migrations.up(newest)?;
    let id = migrations.log()?;
    for pragma in &options.pragmas {
        connection.execute_batch(pragma).map_err(|error| OpenError::new(&path, &error.into()))?;
    }
    let mut log =
        Log::new(Session::new(connection, id), options.index_every, Arc::clone(&options.clock));
    log.settle();
    let head = reader::info(&mut log.session).map_err(|fault| OpenError::new(&path, &fault))?;
    Ok((log, Arc::new(CommitSignal::new(head))))
}

struct Thread<'t> {
    log: Log,
    signal: Arc<CommitSignal>,
    queue: &'t Receiver<Job>,
    admission: &'t Admission,
    path: String,
    /// What had come before the last answers went out: nothing of those who got
    /// them.
    queued: VecDeque<Job>,
    /// How many come together when those who were answered come back to those
    /// who came meanwhile.
    awaited: usize,
}

impl Thread<'_> {
    fn serve(mut self) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| self.next()).or_else(|| self.wait()) {
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

    /// The next job, if there is one.
    fn next(&mut self) -> Option<Job> {
        self.queued.pop_front().or_else(|| self.queue.try_recv().ok())
    }

    /// The next job, `None` when the last handle is gone and nothing waits.
    fn wait(&mut self) -> Option<Job> {
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
        let mut rest = group.take(first);
        while rest.is_none() && !group.is_full() {
            match self.next() {
                Some(job) => rest = group.take(job),
                None => break,
            }
        }
        if rest.is_none() {
            rest = self.gather(&mut group);
        }
        let (weight, answered) = (group.weight(), group.len());
        self.log.commit(group, &self.path, |head: i64| {
            self.signal.raise(Position::new(head.cast_unsigned()));
            self.admission.leave(weight);
            self.queued.extend(self.queue.try_iter());
        });
        let others = self.queued.iter().filter(|job| Group::is_for(job)).count();
        self.awaited = answered + others;
        self.log.checkpoint_if_due();
        rest
    }

    /// Those who were answered together tend to come back together, just too
    /// late for a flush that starts at once. A moment's patience puts them
    /// into one group with those who came meanwhile, and saves every other
    /// flush. One caller alone is never waited for.
    #[expect(clippy::disallowed_methods, reason = "100 microseconds on a thread of its own")]
    fn gather(&mut self, group: &mut Group) -> Option<Job> {
        let deadline = Instant::now() + PATIENCE;
        while group.len() < self.awaited && !group.is_full() && Instant::now() < deadline {
            match self.next() {
                Some(job) => {
                    if let Some(rest) = group.take(job) {
                        return Some(rest);
                    }
                }
                None => std::thread::yield_now(),
            }
        }
        None
    }

    fn resolve(&mut self, operation: OperationId) -> Result<Option<Commit>, ReadError> {
        let found = catch_unwind(AssertUnwindSafe(|| self.log.operation(operation)));
        let found =
            found.unwrap_or_else(|_| Err(Fault::damaged("looking the operation up panicked")));
        match found {
            Ok(None) if self.log.is_poisoned() => {
                Err(ReadError::Unavailable { reason: poisoned(&self.path) })
            }
            Ok(found) => Ok(found),
            Err(fault) => {
                self.log.forget();
                Err(fault.into_read_error(&self.path))
            }
        }
    }
}

/// What a caller learns whose answer will not come.
pub(crate) fn gone(operation: OperationId) -> CommitError {
    CommitError::Unknown { operation, reason: "the writing thread ended".into() }
}
