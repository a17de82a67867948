//! Reading what is not the log: heads, operations, snapshots, checkpoints, rows.

use std::ops::Bound;

use bytes::Bytes;
use cqrs_core::OperationId;
use cqrs_core::message::{Encoding, Timestamp};
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitToken, Cursor, Direction, Epoch, LogId, Position,
    RecordedOperation, Snapshot, StateShape, StreamId, StreamVersion, TableName,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::fault::{Fault, Outcome};
use crate::identity;
use crate::names::Names;
use crate::session::{Ask, Session};

/// The position of the newest event.
pub(crate) async fn head(session: &Session) -> Outcome<Position> {
    number(session, &session.sql.head, &[]).await.map(Position::new)
}

/// The version of a stream's newest event.
pub(crate) async fn stream_head(session: &Session, stream: &StreamId) -> Outcome<StreamVersion> {
    let id = identity::of_stream(stream);
    number(session, &session.sql.stream_head, &[&id]).await.map(StreamVersion::new)
}

async fn number(session: &Session, text: &str, arguments: &[&(dyn ToSql + Sync)]) -> Outcome<u64> {
    let rows = session.query(text, arguments).await?;
    let row = rows.first().ok_or_else(|| Fault::damaged("a count gave no row"))?;
    Ok(row.try_get::<_, i64>(0)?.cast_unsigned())
}

/// What is recorded of an operation: the number of its events, the request's
/// fingerprint, the reply.
pub(crate) fn unit(events: usize, fingerprint: u128, reply: &[u8]) -> Vec<u8> {
    let mut unit = Vec::with_capacity(20 + reply.len());
    unit.extend_from_slice(&u32::try_from(events).unwrap_or(u32::MAX).to_le_bytes());
    unit.extend_from_slice(&fingerprint.to_le_bytes());
    unit.extend_from_slice(reply);
    unit
}

/// The recorded outcome of an operation, as the session or the transaction sees
/// it.
pub(crate) async fn operation(
    session: &impl Ask,
    names: &Names,
    log: LogId,
    id: OperationId,
) -> Outcome<Option<Commit>> {
    let rows = session.query(&session.sql().operation, &[id.as_uuid()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (first, recorded_at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let Unit { events, fingerprint, reply } = Unit::read(row.try_get(2)?)?;
    let events = events.cast_signed();
    let last = if events > 0 { first + events - 1 } else { first };
    let mut streams = Vec::new();
    if events > 0 {
        let found = session.query(&session.sql().unit_streams, &[&first, &last]).await?;
        let ids: Vec<(Uuid, i64)> = found
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Outcome<_>>()?;
        let ids_of_streams = ids.iter().map(|(id, _)| *id);
        let known = names.learn(session, std::iter::empty(), ids_of_streams).await?;
        for (id, version) in ids {
            let version = StreamVersion::new(version.cast_unsigned());
            streams.push((known.stream(id)?.clone(), version));
        }
    }
    let token = CommitToken::new(log, last.cast_unsigned());
    let commit = Commit::new(id, streams, token, Timestamp::from_micros(recorded_at));
    let reply = Bytes::copy_from_slice(reply);
    Ok(Some(commit.with_record(fingerprint, reply)))
}

/// Operations whose first event stands behind a position.
pub(crate) async fn operations(
    session: &Session,
    after: Position,
    limit: usize,
) -> Outcome<Vec<RecordedOperation>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.get().cast_signed();
    let rows = session.query(&session.sql.operations, &[&after, &limit]).await?;
    let record = |row: &Row| {
        let (first, id): (i64, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        let Unit { events, fingerprint, reply } = Unit::read(row.try_get(2)?)?;
        let (id, first) = (OperationId::from_uuid(id), Position::new(first.cast_unsigned()));
        Ok(RecordedOperation::new(id, first, events, fingerprint, Bytes::copy_from_slice(reply)))
    };
    rows.iter().map(record).collect()
}

/// What [`unit`] wrote.
struct Unit<'r> {
    events: u64,
    fingerprint: u128,
    reply: &'r [u8],
}

impl<'r> Unit<'r> {
    fn read(unit: &'r [u8]) -> Outcome<Self> {
        let torn = || Fault::damaged("the record of an operation is too short");
        let (events, rest) = unit.split_first_chunk::<4>().ok_or_else(torn)?;
        let (fingerprint, reply) = rest.split_first_chunk::<16>().ok_or_else(torn)?;
        let events = u64::from(u32::from_le_bytes(*events));
        Ok(Self { events, fingerprint: u128::from_le_bytes(*fingerprint), reply })
    }
}

/// The latest snapshot of a stream.
pub(crate) async fn snapshot(session: &Session, stream: &StreamId) -> Outcome<Option<Snapshot>> {
    let id = identity::of_stream(stream);
    let rows = session.query(&session.sql.snapshot, &[&id]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let version = u32::try_from(row.try_get::<_, i64>(1)?)
        .map_err(|_| Fault::damaged("the version of a snapshot's shape is none"))?;
    let shape = StateShape { version, fingerprint: row.try_get::<_, i64>(2)?.cast_unsigned() };
    Ok(Some(Snapshot::new(
        stream.clone(),
        StreamVersion::new(row.try_get::<_, i64>(0)?.cast_unsigned()),
        shape,
        Encoding::from(row.try_get::<_, String>(3)?),
        bytes(row, 5)?,
        Timestamp::from_micros(row.try_get(4)?),
    )))
}

/// A checkpoint as it stands.
pub(crate) async fn checkpoint(
    session: &Session,
    name: &CheckpointName,
) -> Outcome<Option<Checkpoint>> {
    let rows = session.query(&session.sql.checkpoint, &[&name.as_str()]).await?;
    rows.first().map(|row| checkpoint_in(name, row)).transpose()
}

/// The checkpoint in a row of epoch, log and position.
pub(crate) fn checkpoint_in(name: &CheckpointName, row: &Row) -> Outcome<Checkpoint> {
    let epoch = Epoch::new(row.try_get::<_, i64>(0)?.cast_unsigned());
    let place: (Option<Uuid>, Option<i64>) = (row.try_get(1)?, row.try_get(2)?);
    let cursor = match place {
        (Some(log), Some(position)) => Some(Cursor {
            log: LogId::from_uuid(log),
            position: Position::new(position.cast_unsigned()),
        }),
        _ => None,
    };
    Ok(Checkpoint { name: name.clone(), epoch, cursor })
}

/// One row of a table.
pub(crate) async fn row(
    session: &Session,
    names: &Names,
    table: &TableName,
    key: &[u8],
) -> Outcome<Option<Bytes>> {
    let Some(number) = names.known_table(session, table).await? else { return Ok(None) };
    let rows = session.query(&session.sql.row, &[&number, &key]).await?;
    rows.first().map(|row| bytes(row, 0)).transpose()
}

/// Rows of a table in the order of their keys.
pub(crate) async fn rows(
    session: &Session,
    names: &Names,
    table: &TableName,
    (start, end): &(Bound<Bytes>, Bound<Bytes>),
    direction: Direction,
    limit: usize,
) -> Outcome<Vec<(Bytes, Bytes)>> {
    let Some(number) = names.known_table(session, table).await? else { return Ok(Vec::new()) };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut text = "SELECT r.key, r.value FROM @schema@.rows r WHERE r.\"table\" = $1".to_owned();
    let mut arguments: Vec<&(dyn ToSql + Sync)> = vec![&number, &limit];
    let (start, end) = (edge(start, ">"), edge(end, "<"));
    for (key, operator) in [&start, &end].into_iter().flatten() {
        arguments.push(key);
        text += &format!(" AND r.key {operator} ${}", arguments.len());
    }
    let order = if direction == Direction::Forward { "" } else { " DESC" };
    text += &format!(" ORDER BY r.key{order} LIMIT $2");
    let found = session.query(&session.sql.of(&text), &arguments).await?;
    found.iter().map(|row| Ok((bytes(row, 0)?, bytes(row, 1)?))).collect()
}

fn edge<'b>(bound: &'b Bound<Bytes>, operator: &str) -> Option<(&'b [u8], String)> {
    match bound {
        Bound::Included(key) => Some((key, format!("{operator}="))),
        Bound::Excluded(key) => Some((key, operator.to_owned())),
        Bound::Unbounded => None,
    }
}

fn bytes(row: &Row, column: usize) -> Outcome<Bytes> {
    Ok(Bytes::copy_from_slice(row.try_get::<_, &[u8]>(column)?))
}
