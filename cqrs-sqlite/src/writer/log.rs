//! The log as the writing thread knows it, and how a group gets into it.
//!
//! Every unit is checked against what the units before it have written, and
//! writes only if all its checks hold, so that one that fails leaves nothing
//! to undo. Nobody is answered before the transaction has committed: even a
//! refusal may rest on a unit that is not durable yet.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cqrs_core::OperationId;
use cqrs_core::runtime::Clock;
use cqrs_core::store::{Commit, CommitError, QueryGuard, ReadRequest, UnitOfWork};
use rusqlite::OptionalExtension;

use super::Pending;
use super::append::Kinds;
use super::group::{Failure, Group, Member};
use super::heads::Heads;
use super::index::Tail;
use super::pages::Pages;
use crate::fault::{Fault, Outcome};
use crate::header::Header;
use crate::reader;
use crate::session::Session;
use crate::sql;

/// Why something is known within a transaction.
pub(super) const REFRESHED: &str = "`refresh` runs at the start of each transaction";

/// The log and what is remembered of it.
pub(super) struct Log {
    pub(super) session: Session,
    pub(super) index_every: u64,
    /// What leases end by.
    pub(super) clock: Arc<dyn Clock>,
    pub(super) heads: Heads,
    pub(super) kinds: Kinds,
    pub(super) tables: HashMap<String, i64>,
    /// What is known of the database, while nobody else has written.
    pub(super) known: Option<Known>,
    poisoned: bool,
    /// Makes a step fail or panic, as a disk or a mistake here would.
    #[cfg(test)]
    trap: Option<fn(Step) -> Outcome<()>>,
    pub(super) pages: Pages,
}

pub(super) struct Known {
    /// SQLite's mark of the last change by another connection.
    data_version: i64,
    pub(super) head: i64,
    pub(super) last_recorded: i64,
    pub(super) indexed: i64,
    /// What waits to be indexed.
    pub(super) tail: Tail,
}

/// A step of a transaction that a test can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Write,
    Commit,
}

impl Log {
    pub(super) fn new(session: Session, index_every: u64, clock: Arc<dyn Clock>) -> Self {
        Self {
            session,
            index_every,
            clock,
            heads: Heads::default(),
            kinds: Kinds::new(),
            tables: HashMap::new(),
            known: None,
            poisoned: false,
            #[cfg(test)]
            trap: None,
            pages: Pages::default(),
        }
    }

    /// Forgets what a transaction that did not commit may have changed.
    pub(super) fn forget(&mut self) {
        self.session.roll_back();
        self.session.names.forget();
        self.heads.forget();
        self.kinds.clear();
        self.tables.clear();
        self.known = None;
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Commits a group and answers all of it. `committed` runs before the
    /// answers, with the head.
    pub(super) fn commit(&mut self, mut group: Group, path: &str, committed: impl FnOnce(i64)) {
        let failure = if self.poisoned {
            Some(Failure::NotCommitted(CommitError::Unavailable {
                reason: poisoned(path),
                transient: false,
            }))
        } else {
            self.transact(&mut group, path).err()
        };
        if failure.is_some() {
            group.sever();
            self.forget();
        }
        committed(self.known.as_ref().map_or(0, |known| known.head));
        group.answer(failure.as_ref());
    }

    fn transact(&mut self, group: &mut Group, path: &str) -> Result<(), Failure> {
        let written = catch_unwind(AssertUnwindSafe(|| self.write(group)));
        let written = written.unwrap_or_else(|_| {
            Err(Fault::damaged("the writing thread panicked within a transaction"))
        });
        if let Err(fault) = written {
            self.poisoned |= fault.is_failed_flush() || !self.session.roll_back();
            tracing::error!(%fault, path, "a group of units was rolled back");
            return Err(Failure::NotCommitted(fault.into_commit_error(path)));
        }
        match self.end() {
            Ok(()) => Ok(()),
            Err(fault) if self.session.roll_back() && fault.proves_no_commit() => {
                Err(Failure::NotCommitted(fault.into_commit_error(path)))
            }
            Err(fault) => {
                self.poisoned = true;
                tracing::error!(%fault, path, "a flush failed, the store writes no more");
                Err(Failure::Unknown(fault.reason(path)))
            }
        }
    }

    fn end(&self) -> Outcome<()> {
        self.trapped(Step::Commit)?;
        self.session.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    #[cfg(test)]
    fn trapped(&self, step: Step) -> Outcome<()> {
        self.trap.map_or(Ok(()), |trap| trap(step))
    }

    #[cfg(not(test))]
    fn trapped(&self, _: Step) -> Outcome<()> {
        Ok(())
    }

    /// Writes the group into a transaction, which stays open.
    fn write(&mut self, group: &mut Group) -> Outcome<()> {
        self.session.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.refresh()?;
        self.trapped(Step::Write)?;
        for member in &mut group.members {
            match member {
                Member::Refused(refused) => refused.work.sever_lineage(),
                Member::Claim(name, _, claimed) => *claimed = Some(self.claim(name)?),
                Member::Lease(request, _, answer) => *answer = Some(self.lease(request)?),
                Member::Unit(pending, outcome) => {
                    let unit = self.unit(pending)?;
                    if unit.is_err() {
                        pending.work.sever_lineage();
                    }
                    *outcome = Some(unit);
                }
            }
        }
        self.index_if_due()
    }

    /// Makes sure that what is known holds in this transaction.
    pub(super) fn refresh(&mut self) -> Outcome<()> {
        let connection = &self.session.connection;
        let data_version: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.known.as_ref().is_some_and(|known| known.data_version == data_version) {
            return Ok(());
        }
        self.session.check_log()?;
        let connection = &self.session.connection;
        let (_, indexed): (i64, i64) = connection
            .prepare_cached(sql::PLACE)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let newest = connection
            .prepare_cached(sql::LAST_RECORDED)?
            .query_row([], |row| Ok((row.get(0)?, Header::decode(row.get_ref(1)?))))
            .optional()?;
        let (head, last_recorded) = match newest {
            Some((head, header)) => (head, header?.recorded_at),
            None => (0, i64::MIN),
        };
        let tail = Tail::read(connection, indexed)?;
        self.heads.forget();
        self.tables.clear();
        self.known = Some(Known { data_version, head, last_recorded, indexed, tail });
        Ok(())
    }

    /// What has been read in this transaction.
    pub(super) fn known(&mut self) -> &mut Known {
        self.known.as_mut().expect(REFRESHED)
    }

    /// One unit: repeated, refused or written.
    fn unit(&mut self, pending: &Pending) -> Outcome<Result<Commit, CommitError>> {
        let work = &pending.work;
        let operation = work.operation();
        if !operation.is_fresh()
            && let Some(recorded) = self.recorded(operation.id())?
        {
            return Ok(if recorded.fingerprint() == pending.fingerprint {
                Ok(recorded.repeated())
            } else {
                Err(CommitError::OperationReused { operation: operation.id() })
            });
        }
        if let Err(error) = self.check(work)? {
            return Ok(Err(error));
        }
        self.write_tables(work)?;
        self.append(work, pending.fingerprint).map(Ok)
    }

    fn check(&mut self, work: &UnitOfWork) -> Outcome<Result<(), CommitError>> {
        if work.is_superseded() {
            return Ok(Err(CommitError::Superseded));
        }
        for append in work.streams() {
            let actual = self.heads.version(&self.session.connection, append.stream())?;
            if !append.expected().is_met_by(actual) {
                let (stream, expected) = (append.stream().clone(), append.expected());
                return Ok(Err(CommitError::Conflict { stream, expected, actual }));
            }
        }
        for guard in work.guards() {
            if let Err(error) = self.check_guard(guard)? {
                return Ok(Err(error));
            }
        }
        match self.check_fence(work)? {
            Ok(()) => self.check_lease(work),
            fenced => Ok(fenced),
        }
    }

    fn check_guard(&mut self, guard: &QueryGuard) -> Outcome<Result<(), CommitError>> {
        let read_to = guard.after();
        if read_to.get() >= self.known().head.cast_unsigned() {
            return Ok(Ok(()));
        }
        let request =
            ReadRequest::all().matching(guard.query().clone()).after(read_to.get()).limit(1);
        let page = reader::read(&mut self.session, &request)?;
        Ok(page.events().next().map_or(Ok(()), |event| {
            Err(CommitError::QueryConflict { at: event.position(), read_to })
        }))
    }

    /// The outcome of an operation, within this transaction.
    fn recorded(&mut self, id: OperationId) -> Outcome<Option<Commit>> {
        match self.known().tail.operations.get(id.as_uuid().as_bytes()).copied() {
            Some(position) => reader::operation_at(&mut self.session, id, position).map(Some),
            None => reader::operation(&mut self.session, id),
        }
    }

    /// The outcome of an operation, outside a transaction.
    pub(super) fn operation(&mut self, id: OperationId) -> Outcome<Option<Commit>> {
        self.session.connection.prepare_cached("BEGIN")?.execute([])?;
        let found = self.refresh().and_then(|()| self.recorded(id));
        self.session.connection.prepare_cached("COMMIT")?.execute([])?;
        found
    }

    /// Whether anything is to be done while nobody writes.
    pub(super) fn has_chores(&self) -> bool {
        !self.poisoned && (self.index_is_worth_it() || self.pages.are_worth_a_checkpoint())
    }

    pub(super) fn do_chores(&mut self) {
        if self.index_is_worth_it() {
            self.index_now();
        } else {
            self.checkpoint();
        }
    }

    pub(super) fn checkpoint_if_due(&mut self) {
        if self.pages.are_many() {
            self.checkpoint();
        }
    }

    /// After the database was opened: what an earlier process left in the
    /// write-ahead log may never have been flushed, so it is moved into the
    /// database, which flushes it, before anybody builds on it.
    pub(super) fn settle(&mut self) {
        self.checkpoint();
    }

    /// SQLite itself empties the write-ahead log when the last connection of
    /// all processes closes.
    pub(super) fn close(&mut self) {
        if !self.poisoned {
            self.index_now();
            self.checkpoint();
        }
    }

    /// A transaction beside the units failed; what it would have done waits.
    pub(super) fn index_failed(&mut self, fault: &Fault) {
        self.poisoned |= fault.is_failed_flush();
        self.forget();
        tracing::warn!(%fault, "deriving the indexes failed, they stay as they were");
    }

    /// As far as readers and other processes allow without waiting for them.
    fn checkpoint(&mut self) {
        let done = self.session.connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)");
        let done = done.and_then(|mut checkpoint| checkpoint.query_row([], |row| row.get(1)));
        self.pages.written_back(*done.as_ref().unwrap_or(&0));
        if let Err(fault) = done.map_err(Fault::from) {
            self.poisoned |= fault.is_failed_flush();
            tracing::warn!(%fault, "a checkpoint of the write-ahead log failed");
        }
    }
}

/// Why a store refuses to write after a flush has failed.
pub(super) fn poisoned(path: &str) -> Arc<str> {
    format!("{path}: an earlier flush failed; reopen the store to see what is on the disk").into()
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
