//! Where each stream stands, as far as it is remembered.

use std::collections::HashMap;

use cqrs_core::store::{StreamId, StreamVersion};
use rusqlite::{Connection, OptionalExtension};

use crate::fault::Outcome;
use crate::sql;

/// Streams in each of two generations.
const GENERATION: usize = 1 << 13;

/// What is known of a stream; the numbers are 0 while it has no row.
#[derive(Clone, Copy, Default)]
pub(super) struct Head {
    pub(super) stream: i64,
    pub(super) category: i64,
    pub(super) version: i64,
    pub(super) position: i64,
}

/// Two generations: what is used moves to the younger one, and the older one
/// goes when the younger is full.
#[derive(Default)]
pub(super) struct Heads {
    young: HashMap<StreamId, Head>,
    old: HashMap<StreamId, Head>,
}

impl Heads {
    pub(super) fn forget(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    pub(super) fn version(
        &mut self,
        connection: &Connection,
        stream: &StreamId,
    ) -> Outcome<StreamVersion> {
        let head = self.head(connection, stream)?;
        Ok(StreamVersion::new(head.version.cast_unsigned()))
    }

    pub(super) fn head(&mut self, connection: &Connection, stream: &StreamId) -> Outcome<Head> {
        if let Some(head) = self.young.get(stream) {
            return Ok(*head);
        }
        let head = match self.old.remove(stream) {
            Some(head) => head,
            None => load(connection, stream)?,
        };
        self.set(stream, head);
        Ok(head)
    }

    pub(super) fn set(&mut self, stream: &StreamId, head: Head) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = head;
            return;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream.clone(), head);
    }

    /// The head of a stream that has a row now, if it had none.
    pub(super) fn ensure(&mut self, connection: &Connection, stream: &StreamId) -> Outcome<Head> {
        let mut head = self.head(connection, stream)?;
        if head.stream == 0 {
            if head.category == 0 {
                head.category = category(connection, stream)?;
            }
            head.stream = connection
                .prepare_cached(sql::NEW_STREAM)?
                .insert((head.category, stream.key()))?;
            self.set(stream, head);
        }
        Ok(head)
    }
}

fn load(connection: &Connection, stream: &StreamId) -> Outcome<Head> {
    let category = find_category(connection, stream)?;
    let Some(category) = category else { return Ok(Head::default()) };
    let found =
        connection.prepare_cached(sql::STREAM_NUMBER)?.query_row((category, stream.key()), |row| {
            let (stream, version, position) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Head { stream, category, version, position })
        });
    Ok(found.optional()?.unwrap_or(Head { category, ..Head::default() }))
}

fn find_category(connection: &Connection, stream: &StreamId) -> Outcome<Option<i64>> {
    let name = (stream.tenant().as_str(), stream.category().as_str());
    let found = connection.prepare_cached(sql::CATEGORY)?.query_row(name, |row| row.get(0));
    Ok(found.optional()?)
}

/// The number of a stream's category, which may be new. Looked up again: a
/// unit may name a new category twice.
fn category(connection: &Connection, stream: &StreamId) -> Outcome<i64> {
    if let Some(number) = find_category(connection, stream)? {
        return Ok(number);
    }
    let name = (stream.tenant().as_str(), stream.category().as_str());
    Ok(connection.prepare_cached(sql::NEW_CATEGORY)?.insert(name)?)
}
