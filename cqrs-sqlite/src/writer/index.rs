//! The tables that are derived behind the log.
//!
//! Inserting into an index with every event touches a page for each, all over
//! the file. So the events wait until there are many, and their entries are
//! then inserted in the order of the index, which touches each page once. The
//! more pages an index has, the more events must come together for the same
//! effect, so the batch grows with the log.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::group::{Known, Log};
use crate::fault::Outcome;
use crate::sql;

/// Events that are indexed together, at least and at most.
const BATCH: (u64, u64) = (1024, 16_384);
/// Events that may stay behind the index for as long as nobody writes.
const NOT_WORTH_IT: i64 = 64;

impl Known {
    fn unindexed(&self) -> i64 {
        self.head - self.indexed
    }
}

impl Log {
    fn batch(&self, head: i64) -> u64 {
        match self.index_every {
            0 => (head.cast_unsigned() / 64).clamp(BATCH.0, BATCH.1),
            events => events,
        }
    }

    /// Within a transaction: derives the tables if enough events wait.
    pub(super) fn index_if_due(&mut self) -> Outcome<()> {
        let (head, waiting) = (self.known().head, self.known().unindexed());
        if waiting.cast_unsigned() >= self.batch(head) { self.index() } else { Ok(()) }
    }

    pub(super) fn index_is_worth_it(&self) -> bool {
        self.index_every == 0
            && self.known.as_ref().is_some_and(|known| known.unindexed() >= NOT_WORTH_IT)
    }

    /// In a transaction of its own.
    pub(super) fn index_now(&mut self) {
        let mut indexed = || {
            let begin = self.session.connection.prepare_cached("BEGIN IMMEDIATE");
            begin.and_then(|mut begin| begin.execute([]))?;
            self.refresh()?;
            self.index()?;
            self.session.connection.prepare_cached("COMMIT")?.execute([])?;
            Outcome::Ok(())
        };
        if let Err(fault) = indexed() {
            self.index_failed(&fault);
        }
    }

    /// Derives the tables for everything that is not in them.
    fn index(&mut self) -> Outcome<()> {
        loop {
            let through = self.known().indexed;
            let connection = &self.session.connection;
            let batch = Batch::read(connection, through)?;
            let Some(last) = batch.last else { return Ok(()) };
            self.pages += batch.write(connection)?;
            connection.prepare_cached(sql::SET_INDEXED)?.execute([last])?;
            let known = self.known();
            known.indexed = last;
            known.operations.retain(|_, position| *position > last);
        }
    }
}

/// A stretch of positions whose events share something.
type Run = (i64, i64);

/// The entries of some events, in the order of their tables.
#[derive(Default)]
struct Batch {
    last: Option<i64>,
    /// Stream, version, first and last position.
    streams: Vec<(i64, i64, i64, i64)>,
    categories: Runs<i64>,
    kinds: Runs<i64>,
    correlations: Runs<[u8; 16]>,
    tags: Runs<String>,
    operations: Vec<([u8; 16], i64)>,
}

/// Stretches by what they share.
struct Runs<K>(BTreeMap<K, Vec<Run>>);

impl<K: Ord> Default for Runs<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + rusqlite::ToSql> Runs<K> {
    fn add(&mut self, key: K, position: i64) {
        let runs = self.0.entry(key).or_default();
        match runs.last_mut() {
            // A tag may stand twice on one event.
            Some((_, last)) if *last >= position - 1 => *last = position,
            _ => runs.push((position, position)),
        }
    }

    fn write(&self, connection: &Connection, statement: &str) -> Outcome<u64> {
        let mut insert = connection.prepare_cached(statement)?;
        let mut written = 0;
        for (key, runs) in &self.0 {
            for (first, last) in runs {
                insert.execute((key, first, last))?;
                written += 1;
            }
        }
        Ok(written)
    }
}

impl Batch {
    fn read(connection: &Connection, through: i64) -> Outcome<Self> {
        let mut batch = Self::default();
        let mut statement = connection.prepare_cached(sql::UNINDEXED)?;
        let mut rows = statement.query((through, BATCH.1.cast_signed()))?;
        while let Some(row) = rows.next()? {
            let position: i64 = row.get(0)?;
            let (stream, version): (i64, i64) = (row.get(1)?, row.get(2)?);
            batch.last = Some(position);
            match batch.streams.last_mut() {
                Some(run) if run.0 == stream => run.3 = position,
                _ => batch.streams.push((stream, version, position, position)),
            }
            batch.categories.add(row.get(3)?, position);
            batch.kinds.add(row.get(4)?, position);
            batch.correlations.add(row.get(5)?, position);
            if let Some(operation) = row.get(6)? {
                batch.operations.push((operation, position));
            }
            let tags = row.get_ref(7)?.as_str()?;
            for tag in tags.lines() {
                batch.tags.add(tag.to_owned(), position);
            }
        }
        batch.streams.sort_unstable();
        batch.operations.sort_unstable();
        Ok(batch)
    }

    /// Returns an estimate of the pages that were changed.
    fn write(&self, connection: &Connection) -> Outcome<u64> {
        let mut insert = connection.prepare_cached(sql::INDEX_STREAM)?;
        for run in &self.streams {
            insert.execute(*run)?;
        }
        let mut insert = connection.prepare_cached(sql::NEW_OPERATION)?;
        for (operation, position) in &self.operations {
            insert.execute((operation, position, None::<&[u8]>))?;
        }
        let entries = self.streams.len() as u64
            + self.operations.len() as u64
            + self.categories.write(connection, sql::INDEX_CATEGORY)?
            + self.kinds.write(connection, sql::INDEX_KIND)?
            + self.correlations.write(connection, sql::INDEX_CORRELATION)?
            + self.tags.write(connection, sql::INDEX_TAG)?;
        Ok(1 + entries / 8)
    }
}
