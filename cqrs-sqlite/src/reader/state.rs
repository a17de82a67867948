//! Reading what is not the log: operations, snapshots, checkpoints, rows.

use std::ops::Bound;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::message::{Encoding, Timestamp};
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitToken, Cursor, Direction, Epoch, Holder, Lease,
    LeaseName, LeaseToken, LogId, Position, RecordedOperation, Snapshot, StateShape, StreamId,
    StreamVersion, TableName,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use crate::fault::{Fault, Outcome};
use crate::header::Header;
use crate::session::Session;
use crate::sql;

/// The position of the newest event, if the log is still the one that was
/// opened.
pub(crate) fn info(session: &mut Session) -> Outcome<Position> {
    session.check_log()?;
    let head: i64 =
        session.connection.prepare_cached(sql::HEAD)?.query_row([], |row| row.get(0))?;
    Ok(Position::new(head as u64))
}

/// The outcome of an operation that the derived table knows.
pub(crate) fn operation(session: &mut Session, id: OperationId) -> Outcome<Option<Commit>> {
    let found = session
        .connection
        .prepare_cached(sql::OPERATION)?
        .query_row([id.as_uuid().as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })
        .optional()?;
    match found {
        None => Ok(None),
        Some((position, None)) => operation_at(session, id, position).map(Some),
        Some((position, Some(record))) => {
            let torn = || Fault::damaged(format!("the record of operation {id} is too short"));
            let (fingerprint, rest) = record.split_first_chunk::<16>().ok_or_else(torn)?;
            let (recorded_at, reply) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
            let recorded_at = Timestamp::from_micros(i64::from_le_bytes(*recorded_at));
            let token = CommitToken::new(session.log, position as u64);
            let reply = Bytes::copy_from_slice(reply);
            let fingerprint = u128::from_le_bytes(*fingerprint);
            let commit = Commit::new(id, Vec::new(), token, recorded_at);
            Ok(Some(commit.with_record(fingerprint, reply)))
        }
    }
}

/// The outcome of the operation whose first event stands at a position.
pub(crate) fn operation_at(
    session: &mut Session,
    id: OperationId,
    position: i64,
) -> Outcome<Commit> {
    let torn = || Fault::damaged(format!("no record of operation {id} at position {position}"));
    let (record, header) = session
        .connection
        .prepare_cached(sql::OPERATION_RECORD)?
        .query_row([position], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, Header::decode(row.get_ref(1)?)))
        })
        .optional()?
        .ok_or_else(torn)?;
    let recorded_at = Timestamp::from_micros(header?.recorded_at);
    let record = record.ok_or_else(torn)?;
    let (operation, rest) = record.split_first_chunk::<16>().ok_or_else(torn)?;
    let (fingerprint, rest) = rest.split_first_chunk::<16>().ok_or_else(torn)?;
    let (count, reply) = rest.split_first_chunk::<4>().ok_or_else(torn)?;
    if operation != id.as_uuid().as_bytes() {
        return Err(torn());
    }
    let last = position + i64::from(u32::from_le_bytes(*count)) - 1;
    let streams = streams(session, position, last)?;
    let token = CommitToken::new(session.log, last as u64);
    let commit = Commit::new(id, streams, token, recorded_at);
    let reply = Bytes::copy_from_slice(reply);
    Ok(commit.with_record(u128::from_le_bytes(*fingerprint), reply))
}

/// Operations whose first event stands behind a position.
pub(crate) fn operations(
    session: &mut Session,
    after: Position,
    limit: usize,
) -> Outcome<Vec<RecordedOperation>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = session.connection.prepare_cached(sql::OPERATIONS_AFTER)?;
    let mut rows = statement.query((after.get().cast_signed(), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let torn = || Fault::damaged(format!("the operation at position {position} is too short"));
        let record = row.get_ref(1)?.as_blob()?;
        let (id, rest) = record.split_first_chunk::<16>().ok_or_else(torn)?;
        let (fingerprint, rest) = rest.split_first_chunk::<16>().ok_or_else(torn)?;
        let (count, reply) = rest.split_first_chunk::<4>().ok_or_else(torn)?;
        found.push(RecordedOperation::new(
            OperationId::from_uuid(Uuid::from_bytes(*id)),
            Position::new(position.cast_unsigned()),
            u64::from(u32::from_le_bytes(*count)),
            u128::from_le_bytes(*fingerprint),
            Bytes::copy_from_slice(reply),
        ));
    }
    Ok(found)
}

/// The streams of some events in the order in which they first stand there,
/// each with its last version.
fn streams(
    session: &mut Session,
    first: i64,
    last: i64,
) -> Outcome<Vec<(StreamId, StreamVersion)>> {
    let Session { connection, names, .. } = session;
    let mut found: Vec<(i64, i64)> = Vec::new();
    let mut statement = connection.prepare_cached(sql::OPERATION_STREAMS)?;
    let mut rows = statement.query((first, last))?;
    while let Some(row) = rows.next()? {
        let Header { stream, version, .. } = Header::decode(row.get_ref(0)?)?;
        // A unit writes the events of one stream side by side.
        match found.last_mut().filter(|(one, _)| *one == stream) {
            Some((_, newest)) => *newest = version,
            None => found.push((stream, version)),
        }
    }
    found
        .into_iter()
        .map(|(stream, version)| {
            Ok((names.stream(connection, stream)?.clone(), StreamVersion::new(version as u64)))
        })
        .collect()
}

/// The latest snapshot of a stream.
pub(crate) fn snapshot(session: &mut Session, stream: &StreamId) -> Outcome<Option<Snapshot>> {
    let name = (stream.tenant().as_str(), stream.category().as_str(), stream.key());
    let found = session.connection.prepare_cached(sql::SNAPSHOT)?.query_row(name, |row| {
        let shape =
            StateShape { version: row.get(1)?, fingerprint: row.get::<_, i64>(2)?.cast_unsigned() };
        Ok(Snapshot::new(
            stream.clone(),
            StreamVersion::new(row.get::<_, i64>(0)?.cast_unsigned()),
            shape,
            Encoding::from(row.get::<_, String>(3)?),
            bytes(row, 5)?,
            Timestamp::from_micros(row.get(4)?),
        ))
    });
    Ok(found.optional()?)
}

/// A checkpoint as it stands.
pub(crate) fn checkpoint(
    connection: &Connection,
    name: &CheckpointName,
) -> Outcome<Option<Checkpoint>> {
    let found = connection.prepare_cached(sql::CHECKPOINT)?.query_row([name.as_str()], |row| {
        let epoch = Epoch::new(row.get::<_, i64>(0)?.cast_unsigned());
        let cursor = match (row.get(1)?, row.get(2)?) {
            (Some(log), Some::<i64>(position)) => {
                let log = LogId::from_uuid(Uuid::from_bytes(log));
                Some(Cursor { log, position: Position::new(position.cast_unsigned()) })
            }
            _ => None,
        };
        Ok(Checkpoint { name: name.clone(), epoch, cursor })
    });
    Ok(found.optional()?)
}

/// A lease as it was given last, be it held or not.
pub(crate) fn lease(connection: &Connection, name: &LeaseName) -> Outcome<Option<Lease>> {
    let found = connection
        .prepare_cached(sql::LEASE)?
        .query_row([name.as_str()], |row| lease_in(name.clone(), row, 0));
    Ok(found.optional()?)
}

/// The leases whose names begin with a text and that are held at a time.
pub(crate) fn leases(session: &mut Session, prefix: &str, now: Timestamp) -> Outcome<Vec<Lease>> {
    let mut statement = session.connection.prepare_cached(sql::LEASES)?;
    let mut rows = statement.query([prefix])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if !name.starts_with(prefix) {
            break;
        }
        found.push(lease_in(name.into(), row, 1)?);
    }
    found.retain(|lease| lease.until() > now);
    Ok(found)
}

fn lease_in(name: LeaseName, row: &Row<'_>, column: usize) -> rusqlite::Result<Lease> {
    let token = LeaseToken::new(row.get::<_, i64>(column)?.cast_unsigned());
    let holder = Holder::from(row.get::<_, String>(column + 1)?);
    Ok(Lease::new(name, holder, token, Timestamp::from_micros(row.get(column + 2)?)))
}

/// One row of a table.
pub(crate) fn row(session: &mut Session, table: &TableName, key: &[u8]) -> Outcome<Option<Bytes>> {
    let found = session
        .connection
        .prepare_cached(sql::ROW)?
        .query_row((table.as_str(), key), |row| bytes(row, 0));
    Ok(found.optional()?)
}

/// Rows of a table in the order of their keys.
pub(crate) fn rows(
    session: &mut Session,
    table: &TableName,
    (start, end): &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
    limit: usize,
) -> Outcome<Vec<(Bytes, Bytes)>> {
    let connection = &session.connection;
    let number: Option<i64> = connection
        .prepare_cached(sql::TABLE)?
        .query_row([table.as_str()], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Ok(Vec::new()) };
    let statement = match direction {
        Direction::Forward => sql::ROWS_FORWARD,
        Direction::Backward => sql::ROWS_BACKWARD,
    };
    let mut statement = connection.prepare_cached(statement)?;
    let from = edge(start).unwrap_or_default();
    let mut rows = statement.query((number, from, edge(end)))?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let key = row.get_ref(0)?.as_blob()?;
        let outside = matches!(start, Bound::Excluded(edge) if edge == key)
            || matches!(end, Bound::Excluded(edge) if edge == key);
        if !outside {
            found.push((Bytes::copy_from_slice(key), bytes(row, 1)?));
        }
    }
    Ok(found)
}

fn edge(bound: &Bound<Bytes>) -> Option<&[u8]> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    match row.get_ref(column)? {
        ValueRef::Blob(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        other => {
            let kind = other.data_type();
            Err(rusqlite::Error::InvalidColumnType(column, "bytes".to_owned(), kind))
        }
    }
}
