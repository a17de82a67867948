//! The rows of a projection while a batch of events is taken in.
//!
//! Changes gather in memory, by key, and are written once a batch. Rows stay
//! in memory between batches, since nobody else may write them: a worker that
//! was overtaken cannot commit.

use std::collections::HashMap;
use std::fmt;

use super::key::to_bytes;
use super::{Projection, ProjectionError};
use crate::message::{Codec, CodecError, Json};
use crate::store::{EventStore, Store, TableName, UnitOfWork};

/// Rows kept in memory between batches.
const KEPT: usize = 10_000;

/// What a projection's handler reads and writes.
pub struct Rows<'a, P: Projection> {
    store: &'a Store,
    kept: &'a mut KeptRows<P>,
}

pub(super) struct KeptRows<P: Projection> {
    table: TableName,
    rows: HashMap<Vec<u8>, Kept<P::Row>>,
}

struct Kept<R> {
    row: Option<R>,
    changed: bool,
}

impl<P: Projection> KeptRows<P> {
    pub(super) fn new() -> Self {
        Self { table: P::table(), rows: HashMap::new() }
    }

    pub(super) fn open<'a>(&'a mut self, store: &'a Store) -> Rows<'a, P> {
        Rows { store, kept: self }
    }

    /// Adds the changes to a unit of work.
    pub(super) fn write(&self, mut work: UnitOfWork) -> Result<UnitOfWork, ProjectionError> {
        for (key, kept) in self.rows.iter().filter(|(_, kept)| kept.changed) {
            work = match &kept.row {
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
            self.rows.clear();
        }
        self.rows.values_mut().for_each(|kept| kept.changed = false);
    }

    /// The changes will not be committed.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
    }

    fn row_error(&self, source: CodecError) -> ProjectionError {
        ProjectionError::Row { table: self.table.as_str().to_owned(), source }
    }
}

impl<P: Projection> Rows<'_, P> {
    async fn kept(&mut self, key: Vec<u8>) -> Result<&mut Kept<P::Row>, ProjectionError> {
        if !self.kept.rows.contains_key(&key) {
            let row = match self.store.row(&self.kept.table, &key).await? {
                None => None,
                Some(bytes) => {
                    Some(Json::decode(&bytes).map_err(|source| self.kept.row_error(source))?)
                }
            };
            self.kept.rows.insert(key.clone(), Kept { row, changed: false });
        }
        Ok(self.kept.rows.get_mut(&key).expect("the row was put in above"))
    }

    /// The row of a key.
    ///
    /// # Errors
    ///
    /// [`ProjectionError`] when the store cannot be read.
    pub async fn get(&mut self, key: &P::Key) -> Result<Option<&P::Row>, ProjectionError> {
        Ok(self.kept(to_bytes(key)).await?.row.as_ref())
    }

    /// Writes the row of a key.
    pub fn put(&mut self, key: &P::Key, row: P::Row) {
        self.kept.rows.insert(to_bytes(key), Kept { row: Some(row), changed: true });
    }

    /// Deletes the row of a key.
    pub fn delete(&mut self, key: &P::Key) {
        self.kept.rows.insert(to_bytes(key), Kept { row: None, changed: true });
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
        let kept = self.kept(to_bytes(key.borrow())).await?;
        change(kept.row.get_or_insert_default());
        kept.changed = true;
        Ok(())
    }
}

impl<P: Projection> fmt::Debug for Rows<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({})", self.kept.table)
    }
}
