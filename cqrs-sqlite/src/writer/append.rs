//! Writing the events of a unit that has been checked.

use std::collections::HashMap;

use cqrs_core::Timestamp;
use cqrs_core::message::Encoding;
use cqrs_core::store::{
    Commit, CommitToken, EventTypeName, NewEvent, StreamAppend, StreamVersion, UnitOfWork,
};
use rusqlite::{CachedStatement, Connection};

use super::heads::Head;
use super::index::Entry;
use super::log::{Log, REFRESHED};
use crate::fault::Outcome;
use crate::header::Header;
use crate::sql;

/// The numbers of kinds, as far as they are remembered.
pub(super) type Kinds = HashMap<(EventTypeName, u32, Encoding), i64>;

/// Kinds that are remembered; there are few but for strange uses.
const MOST_KINDS: usize = 4096;

impl Log {
    /// Appends the events and records the operation.
    pub(super) fn append(&mut self, work: &UnitOfWork, fingerprint: u128) -> Outcome<Commit> {
        let operation = work.operation();
        let id = self.session.log;
        let known = self.known();
        let recorded_at = known.last_recorded.max(work.recorded_at().as_micros());
        let count: usize = work.streams().iter().map(|append| append.events().len()).sum();
        let first = known.head + 1;
        let mut streams = Vec::with_capacity(work.streams().len());
        if count > 0 {
            known.head += count as i64;
            known.last_recorded = recorded_at;
            known.tail.operations.insert(*operation.id().as_uuid().as_bytes(), first);
            let mut record = record(work, fingerprint);
            record.splice(32..32, (count as u32).to_le_bytes());
            let mut position = first;
            let mut record = Some(record);
            for append in work.streams().iter().filter(|append| !append.events().is_empty()) {
                let version =
                    self.append_stream(append, position, recorded_at, record.take().as_deref())?;
                position += append.events().len() as i64;
                streams.push((append.stream().clone(), version));
            }
        } else if !operation.is_fresh() {
            let head = known.head;
            let mut record = record(work, fingerprint);
            record.splice(32..32, recorded_at.to_le_bytes());
            self.session.connection.prepare_cached(sql::NEW_OPERATION)?.execute((
                &record[..16],
                head,
                &record[16..],
            ))?;
        }
        let token = CommitToken::new(id, self.known().head.cast_unsigned());
        Ok(Commit::new(operation.id(), streams, token, Timestamp::from_micros(recorded_at)))
    }

    fn append_stream(
        &mut self,
        append: &StreamAppend,
        first: i64,
        recorded_at: i64,
        record: Option<&[u8]>,
    ) -> Outcome<StreamVersion> {
        let connection = &self.session.connection;
        let mut head = self.heads.ensure(connection, append.stream())?;
        let mut insert = connection.prepare_cached(sql::NEW_EVENT)?;
        let tail = &mut self.known.as_mut().expect(REFRESHED).tail;
        let (mut bytes, mut joined) = (0, Vec::new());
        for (index, event) in append.events().iter().enumerate() {
            let index = index as i64;
            let place = Place {
                position: first + index,
                version: head.version + 1 + index,
                head,
                kind: kind(&mut self.kinds, connection, event)?,
                recorded_at,
                record: record.filter(|_| index == 0),
            };
            place.insert(&mut insert, event, &mut joined)?;
            tail.add(&Entry {
                position: place.position,
                stream: head.stream,
                version: place.version,
                category: head.category,
                kind: place.kind,
                correlation: *event.correlation_id().as_uuid().as_bytes(),
                tags: event.tags().as_lines(),
            });
            bytes += event.payload().len() + event.details().len() + 128;
        }
        let count = append.events().len() as i64;
        head.version += count;
        head.position = first + count - 1;
        connection.prepare_cached(sql::SET_HEAD)?.execute((
            head.stream,
            head.version,
            head.position,
        ))?;
        self.heads.set(append.stream(), head);
        self.pages.filled(bytes);
        self.pages.changed(1);
        Ok(StreamVersion::new(head.version.cast_unsigned()))
    }
}

/// The operation's id, the request's fingerprint, and the reply.
fn record(work: &UnitOfWork, fingerprint: u128) -> Vec<u8> {
    let mut record = Vec::with_capacity(40 + work.reply().len());
    record.extend_from_slice(work.operation().id().as_uuid().as_bytes());
    record.extend_from_slice(&fingerprint.to_le_bytes());
    record.extend_from_slice(work.reply());
    record
}

fn kind(kinds: &mut Kinds, connection: &Connection, event: &NewEvent) -> Outcome<i64> {
    let version = event.schema_version().get();
    let key = (event.event_type().clone(), version, event.encoding().clone());
    if let Some(number) = kinds.get(&key) {
        return Ok(*number);
    }
    let number = connection
        .prepare_cached(sql::NEW_KIND)?
        .query_row((key.0.as_str(), version, key.2.as_str()), |row| row.get(0))?;
    if kinds.len() >= MOST_KINDS {
        kinds.clear();
    }
    kinds.insert(key, number);
    Ok(number)
}

/// Where an event goes.
struct Place<'a> {
    position: i64,
    version: i64,
    /// The stream before the unit.
    head: Head,
    kind: i64,
    recorded_at: i64,
    record: Option<&'a [u8]>,
}

impl Place<'_> {
    fn insert(
        &self,
        insert: &mut CachedStatement<'_>,
        event: &NewEvent,
        joined: &mut Vec<u8>,
    ) -> Outcome<()> {
        let header = Header {
            kind: self.kind,
            category: self.head.category,
            stream: self.head.stream,
            version: self.version,
            previous: self.head.position,
            recorded_at: self.recorded_at,
            occurred_at: event.occurred_at().as_micros(),
            id: *event.id().as_uuid(),
            correlation: *event.correlation_id().as_uuid(),
            causation: event.causation_id().map(|id| *id.as_uuid()),
            has_tags: !event.tags().as_lines().is_empty(),
            details: event.details().len(),
        };
        let mut content = event.payload();
        if header.details > 0 {
            joined.clear();
            joined.extend_from_slice(event.details());
            joined.extend_from_slice(event.payload());
            content = joined;
        }
        insert.execute(rusqlite::params![
            self.position,
            header.encode()?.as_bytes(),
            self.record,
            header.has_tags.then_some(event.tags().as_lines()),
            content,
        ])?;
        Ok(())
    }
}
