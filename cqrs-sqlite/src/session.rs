//! One connection with what it remembers.

use cqrs_core::store::{LogId, PagePool};
use rusqlite::Connection;

use crate::fault::{Fault, Outcome};
use crate::names::Names;
use crate::sql;

pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) names: Names,
    pub(crate) log: LogId,
    /// Bytes of an event in the page that was read last: to have room for the
    /// next page, not to find it.
    pub(crate) event_bytes: usize,
    pub(crate) pool: PagePool,
}

impl Session {
    pub(crate) fn new(connection: Connection, log: LogId) -> Self {
        Self { connection, names: Names::default(), log, event_bytes: 0, pool: PagePool::default() }
    }

    /// Runs several statements on one snapshot of the database.
    pub(crate) fn snapshot<T>(&mut self, read: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        // A store in memory reads inside the transaction of its one thread or
        // outside any; both are a snapshot already.
        let within = !self.connection.is_autocommit();
        if !within {
            self.connection.prepare_cached("BEGIN")?.execute([])?;
        }
        let outcome = read(self);
        if !within {
            let ended = self.connection.prepare_cached("COMMIT")?.execute([]);
            if let Err(error) = ended {
                self.roll_back();
                return outcome.and(Err(error.into()));
            }
        }
        outcome
    }

    /// Makes sure that the log is the one that was opened: its tables may have
    /// been taken back meanwhile, and made anew.
    pub(crate) fn check_log(&self) -> Outcome<()> {
        let found = self.connection.prepare_cached(sql::LOG);
        let found = found.and_then(|mut log| log.query_row([], |row| row.get::<_, [u8; 16]>(0)));
        match found.map_err(Fault::from) {
            Ok(id) if id == *self.log.as_uuid().as_bytes() => Ok(()),
            Err(fault) if fault.is_busy() => Err(fault),
            _ => Err(Fault::damaged(
                "another log is there than when the store was opened; open it again",
            )),
        }
    }

    /// Leaves any transaction. Returns whether there is none now.
    pub(crate) fn roll_back(&mut self) -> bool {
        self.connection.is_autocommit() || {
            let _ = self.connection.execute_batch("ROLLBACK");
            self.connection.is_autocommit()
        }
    }
}
