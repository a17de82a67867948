//! The rows of a projection while a batch of events is taken in.
//!
//! Changes gather in memory, by key, and are written once a batch. Rows stay
//! in memory between batches, since nobody else may write them: a worker that
//! was overtaken cannot commit.

use std::collections::HashMap;
use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

use super::{Projection, ProjectionError, TableKey};
use crate::message::{Codec, CodecError, Json};
use crate::store::{BuildOwnHash, Direction, EventStore, Store, TableName, UnitOfWork};

/// Rows kept in memory between batches.
const KEPT: usize = 10_000;

/// What a projection's handler reads and writes.
pub struct Rows<'a, P: Projection> {
    store: &'a Store,
    kept: &'a mut KeptRows<P>,
    delivery: Delivery,
}

/// How an event comes to a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Which try at the event's batch this is, from 1. What an earlier one
    /// has written is gone.
    pub attempt: u32,
    /// Whether the event was in the log before this worker began to follow
    /// it: a rebuild, or what was missed meanwhile.
    pub is_replay: bool,
}

pub(super) struct KeptRows<P: Projection> {
    table: TableName,
    rows: Vec<Kept<P::Row>>,
    /// Which of the rows a key has.
    places: HashMap<Bytes, usize, BuildOwnHash>,
    changed: Vec<usize>,
    /// Whether the table has no other rows, so that none need be looked for.
    complete: bool,
    /// The bytes of the key that was asked for last.
    key: Vec<u8>,
}

struct Kept<R> {
    key: Bytes,
    row: Option<R>,
    changed: bool,
}

impl<P: Projection> KeptRows<P> {
    pub(super) fn new() -> Self {
        Self {
            table: P::table(),
            rows: Vec::new(),
            places: HashMap::default(),
            changed: Vec::new(),
            complete: false,
            key: Vec::with_capacity(32),
        }
    }

    pub(super) fn open<'a>(&'a mut self, store: &'a Store, delivery: Delivery) -> Rows<'a, P> {
        Rows { store, kept: self, delivery }
    }

    /// Looks whether the table is empty. Whoever calls this has claimed the
    /// projection's place, so that only its own rows will come.
    pub(super) async fn begin(&mut self, store: &Store) -> Result<(), ProjectionError> {
        let range = (Bound::Unbounded, Bound::Unbounded);
        let some = store.rows(&self.table, range, Direction::Forward, 1).await?;
        self.complete = some.is_empty() && self.rows.is_empty();
        Ok(())
    }

    /// How many rows have changed.
    pub(super) fn changes(&self) -> usize {
        self.changed.len()
    }

    /// Adds the changes to a unit of work, in the order of their keys: a
    /// store that sorts its rows then touches each part of them once.
    pub(super) fn write(&mut self, mut work: UnitOfWork) -> Result<UnitOfWork, ProjectionError> {
        let rows = &self.rows;
        self.changed.sort_unstable_by(|one, other| rows[*one].key.cmp(&rows[*other].key));
        for &place in &self.changed {
            let Kept { key, row, .. } = &self.rows[place];
            work = match row {
                None => work.delete(self.table.clone(), key.clone()),
                Some(row) => {
                    let mut value = Vec::new();
                    Json::encode(row, &mut value).map_err(|source| self.row_error(source))?;
                    work.put(self.table.clone(), key.clone(), value)
                }
            };
        }
        Ok(work)
    }

    /// The changes have been committed.
    pub(super) fn written(&mut self) {
        if self.rows.len() > KEPT {
            return self.forget();
        }
        for place in self.changed.drain(..) {
            self.rows[place].changed = false;
        }
    }

    /// The changes will not be committed.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.changed.clear();
        self.complete = false;
    }

    /// Where the row of a key is kept.
    fn find(&mut self, key: &P::Key) -> Option<usize> {
        self.key.clear();
        key.encode_key(&mut self.key);
        self.places.get(self.key.as_slice()).copied()
    }

    /// Keeps the row of the key that was not found.
    fn keep(&mut self, row: Option<P::Row>) -> usize {
        let (place, key) = (self.rows.len(), Bytes::copy_from_slice(&self.key));
        self.places.insert(key.clone(), place);
        self.rows.push(Kept { key, row, changed: false });
        place
    }

    fn change(&mut self, place: usize) -> &mut Option<P::Row> {
        let kept = &mut self.rows[place];
        if !kept.changed {
            kept.changed = true;
            self.changed.push(place);
        }
        &mut kept.row
    }

    fn set(&mut self, key: &P::Key, row: Option<P::Row>) {
        let place = self.find(key).unwrap_or_else(|| self.keep(None));
        *self.change(place) = row;
    }

    fn row_error(&self, source: CodecError) -> ProjectionError {
        ProjectionError::Row { table: self.table.as_str().to_owned(), source }
    }
}

impl<P: Projection> Rows<'_, P> {
    /// Where the row of a key is kept, after it has been read if need be.
    async fn place(&mut self, key: &P::Key) -> Result<usize, ProjectionError> {
        let kept = &mut *self.kept;
        if let Some(place) = kept.find(key) {
            return Ok(place);
        }
        if kept.complete {
            return Ok(kept.keep(None));
        }
        let row = self.store.row(&kept.table, &kept.key).await?;
        let row = row.map(|bytes| Json::decode(&bytes)).transpose();
        let row = row.map_err(|source| kept.row_error(source))?;
        Ok(kept.keep(row))
    }

    /// How the event came here.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The row of a key.
    ///
    /// # Errors
    ///
    /// [`ProjectionError`] when the store cannot be read.
    pub async fn get(&mut self, key: &P::Key) -> Result<Option<&P::Row>, ProjectionError> {
        let place = self.place(key).await?;
        Ok(self.kept.rows[place].row.as_ref())
    }

    /// Writes the row of a key.
    pub fn put(&mut self, key: &P::Key, row: P::Row) {
        self.kept.set(key, Some(row));
    }

    /// Deletes the row of a key.
    pub fn delete(&mut self, key: &P::Key) {
        self.kept.set(key, None);
    }

    /// Changes the row of a key, which starts from its default.
    ///
    /// # Errors
    ///
    /// [`ProjectionError`] when the store cannot be read.
    pub async fn update(
        &mut self,
        key: impl std::borrow::Borrow<P::Key>,
        change: impl FnOnce(&mut P::Row),
    ) -> Result<(), ProjectionError>
    where
        P::Row: Default,
    {
        let place = self.place(key.borrow()).await?;
        change(self.kept.change(place).get_or_insert_default());
        Ok(())
    }
}

impl<P: Projection> fmt::Debug for Rows<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({})", self.kept.table)
    }
}
