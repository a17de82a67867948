//! The tables of the file, and which format they have.

use std::path::Path;

use cqrs_core::message::{IdGenerator, RandomIds, Timestamp};
use cqrs_core::store::LogId;
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::OpenError;
use crate::fault::{Fault, Outcome};
use crate::sql;

/// The newest format that this release reads and writes.
const FORMAT: u32 = 1;

/// Finds the log in a database, or creates it in an empty one.
pub(crate) fn open(connection: &Connection, path: &Path) -> Result<LogId, OpenError> {
    refuse_foreign(connection, path)?;
    match found(connection).map_err(|fault| OpenError::new(path, &fault))? {
        Found::Log { log, .. } => Ok(log),
        Found::Nothing | Found::Foreign(_) => create(connection, path),
    }
}

/// Makes sure that a file is empty or holds a log.
pub(crate) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    match found(connection).map_err(|fault| OpenError::new(path, &fault))? {
        Found::Foreign(table) => Err(OpenError::Foreign { path: path.to_owned(), table }),
        Found::Log { format, .. } if format > FORMAT => {
            let path = path.to_owned();
            Err(OpenError::NewerFormat { path, found: format, supported: FORMAT })
        }
        Found::Nothing | Found::Log { .. } => Ok(()),
    }
}

enum Found {
    Nothing,
    Log { format: u32, log: LogId },
    Foreign(String),
}

fn found(connection: &Connection) -> Outcome<Found> {
    let log = connection.query_row("SELECT format, incarnation FROM log", [], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, [u8; 16]>(1)?))
    });
    match log.map_err(Fault::from) {
        Ok((format, id)) => {
            return Ok(Found::Log { format, log: LogId::from_uuid(Uuid::from_bytes(id)) });
        }
        // It has been waited for; the next statement would wait once more.
        Err(fault) if fault.is_busy() => return Err(fault),
        Err(_) => {}
    }
    let table: Option<String> = connection
        .query_row("SELECT name FROM sqlite_schema LIMIT 1", [], |row| row.get(0))
        .optional()?;
    Ok(table.map_or(Found::Nothing, Found::Foreign))
}

fn create(connection: &Connection, path: &Path) -> Result<LogId, OpenError> {
    let fail = |error: rusqlite::Error| OpenError::new(path, &error.into());
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    let created = create_within(connection);
    match created.and_then(|id| connection.execute_batch("COMMIT").map(|()| id)) {
        Ok(Some(id)) => Ok(id),
        // Another process was first.
        Ok(None) => open(connection, path),
        Err(error) => {
            let _ = connection.execute_batch("ROLLBACK");
            Err(fail(error))
        }
    }
}

fn create_within(connection: &Connection) -> rusqlite::Result<Option<LogId>> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects > 0 {
        return Ok(None);
    }
    for object in sql::SCHEMA {
        connection.execute_batch(object)?;
    }
    let id = RandomIds::new().next(Timestamp::EPOCH);
    connection.execute(sql::NEW_LOG, (FORMAT, id.as_bytes()))?;
    connection.execute(sql::NOTHING_INDEXED, [])?;
    Ok(Some(LogId::from_uuid(id)))
}
