//! The tables that are derived behind the log.
//!
//! Inserting into an index with every event touches a page for each, all over
//! the file. So the events wait until there are many, and their entries are
//! then inserted in the order of the index, which touches each page once. The
//! more pages an index has, the more events must come together for the same
//! effect, so the batch grows with the log.

use std::borrow::Borrow;
use std::collections::HashMap;

use rusqlite::Connection;

use super::log::{Known, Log};
use crate::fault::Outcome;
use crate::header::Header;
use crate::sql;

/// Events that are indexed together, at least and at most.
const BATCH: (u64, u64) = (1024, 16_384);
/// A run goes on over fewer than this many events without its key. Readers
/// look at each event anyway, and a few that they skip cost less than a run
/// more; types that alternate would have a run for each event.
const GAP: i64 = 4;
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
        let tail = std::mem::take(&mut self.known().tail);
        let head = self.known().head;
        if self.known().indexed < head {
            let connection = &self.session.connection;
            self.pages.changed(tail.write(connection)? / 8);
            connection.prepare_cached(sql::SET_INDEXED)?.execute([head])?;
            self.known().indexed = head;
        }
        Ok(())
    }
}

/// The entries of the events behind the index, as they came.
#[derive(Default)]
pub(super) struct Tail {
    /// Stream, version, first and last position.
    streams: Vec<(i64, i64, i64, i64)>,
    categories: Runs<i64>,
    kinds: Runs<i64>,
    correlations: Runs<Id>,
    tags: Runs<Box<str>>,
    /// First positions of operations.
    pub(super) operations: HashMap<Id, i64>,
}

type Id = [u8; 16];

/// What the tables say of one event.
pub(super) struct Entry<'a> {
    pub(super) position: i64,
    pub(super) stream: i64,
    pub(super) version: i64,
    pub(super) category: i64,
    pub(super) kind: i64,
    pub(super) correlation: Id,
    pub(super) tags: &'a str,
}

impl Tail {
    /// What lies behind a position in the log.
    pub(super) fn read(connection: &Connection, indexed: i64) -> Outcome<Self> {
        let mut tail = Self::default();
        let mut statement = connection.prepare_cached(sql::UNINDEXED)?;
        let mut rows = statement.query([indexed])?;
        while let Some(row) = rows.next()? {
            let header = Header::decode(row.get_ref(1)?)?;
            let entry = Entry {
                position: row.get(0)?,
                stream: header.stream,
                version: header.version,
                category: header.category,
                kind: header.kind,
                correlation: header.correlation.into_bytes(),
                tags: row.get_ref(3)?.as_str_or_null()?.unwrap_or_default(),
            };
            tail.add(&entry);
            if let Some(operation) = row.get(2)? {
                tail.operations.entry(operation).or_insert(entry.position);
            }
        }
        Ok(tail)
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>) {
        let position = entry.position;
        match self.streams.last_mut() {
            Some(run) if run.0 == entry.stream => run.3 = position,
            _ => self.streams.push((entry.stream, entry.version, position, position)),
        }
        self.categories.add(&entry.category, position);
        self.kinds.add(&entry.kind, position);
        self.correlations.add(&entry.correlation, position);
        for tag in entry.tags.lines() {
            self.tags.add(tag, position);
        }
    }

    /// Inserts everything, each table in its own order. Returns the number of
    /// entries.
    fn write(mut self, connection: &Connection) -> Outcome<u64> {
        self.streams.sort_unstable();
        let mut insert = connection.prepare_cached(sql::INDEX_STREAM)?;
        for run in &self.streams {
            insert.execute(*run)?;
        }
        let mut operations: Vec<_> = self.operations.into_iter().collect();
        operations.sort_unstable();
        let mut insert = connection.prepare_cached(sql::NEW_OPERATION)?;
        for (operation, position) in &operations {
            insert.execute((operation, position, None::<&[u8]>))?;
        }
        Ok((self.streams.len() + operations.len()) as u64
            + self.categories.write(connection, sql::INDEX_CATEGORY)?
            + self.kinds.write(connection, sql::INDEX_KIND)?
            + self.correlations.write(connection, sql::INDEX_CORRELATION)?
            + self.tags.write(connection, sql::INDEX_TAG)?)
    }
}

/// Stretches of positions with events that share a key: key, first, last.
struct Runs<K>(Vec<(K, i64, i64)>);

impl<K> Default for Runs<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord + rusqlite::ToSql> Runs<K> {
    fn add<Q>(&mut self, key: &Q, position: i64)
    where
        Q: Eq + ToOwned<Owned: Into<K>> + ?Sized,
        K: Borrow<Q>,
    {
        match self.0.last_mut() {
            Some((last_key, _, last)) if (*last_key).borrow() == key && *last >= position - 1 => {
                *last = position;
            }
            _ => self.0.push((key.to_owned().into(), position, position)),
        }
    }

    fn write(mut self, connection: &Connection, statement: &str) -> Outcome<u64> {
        self.0.sort_unstable();
        self.0.dedup_by(|next, run| {
            let joins = next.0 == run.0 && next.1 <= run.2 + GAP;
            if joins {
                run.2 = run.2.max(next.2);
            }
            joins
        });
        let mut insert = connection.prepare_cached(statement)?;
        for (key, first, last) in &self.0 {
            insert.execute((key, first, last))?;
        }
        Ok(self.0.len() as u64)
    }
}
