//! The rows of a projection, for queries.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use super::key::{TableKey, to_bytes};
use super::{Projection, ViewError};
use crate::message::{Codec, Json};
use crate::store::{Direction, EventStore, Store, TableName};

/// Reads the rows of a projection; a handler's parameter. Cheap to clone.
pub struct View<P> {
    store: Store,
    table: TableName,
    projection: PhantomData<fn() -> P>,
}

impl<P> Clone for View<P> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), table: self.table.clone(), projection: PhantomData }
    }
}

impl<P> fmt::Debug for View<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.table)
    }
}

impl<P: Projection> View<P> {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, table: P::table(), projection: PhantomData }
    }

    /// The row of a key.
    ///
    /// # Errors
    ///
    /// [`ViewError`]. Dropping the future changes nothing.
    pub async fn get(&self, key: &P::Key) -> Result<Option<P::Row>, ViewError> {
        let row = self.store.row(&self.table, &to_bytes(key)).await?;
        row.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Rows in key order, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`ViewError`]. Dropping the future changes nothing.
    pub async fn range(
        &self,
        range: impl RangeBounds<P::Key>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(P::Key, P::Row)>, ViewError> {
        let bound = |bound: Bound<&P::Key>| bound.map(|key| Bytes::from(to_bytes(key)));
        let range = (bound(range.start_bound()), bound(range.end_bound()));
        let rows = self.store.rows(&self.table, range, direction, limit).await?;
        rows.iter().map(|(key, row)| Ok((self.decode_key(key)?, self.decode(row)?))).collect()
    }

    /// All rows in key order. Holds them all in memory.
    ///
    /// # Errors
    ///
    /// [`ViewError`]. Dropping the future changes nothing.
    pub async fn all(&self) -> Result<Vec<(P::Key, P::Row)>, ViewError> {
        const PAGE: usize = 1_000;
        let mut all = Vec::new();
        let mut from = Bound::Unbounded;
        loop {
            let range = (from, Bound::Unbounded);
            let page = self.store.rows(&self.table, range, Direction::Forward, PAGE).await?;
            for (key, row) in &page {
                all.push((self.decode_key(key)?, self.decode(row)?));
            }
            match page.into_iter().nth(PAGE - 1) {
                Some((last, _)) => from = Bound::Excluded(last),
                None => return Ok(all),
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<P::Row, ViewError> {
        Json::decode(bytes).map_err(|source| self.row_error(source))
    }

    fn decode_key(&self, mut bytes: &[u8]) -> Result<P::Key, ViewError> {
        let key = P::Key::decode_key(&mut bytes).filter(|_| bytes.is_empty());
        key.ok_or_else(|| {
            self.row_error(crate::message::CodecError::new("its key has another form"))
        })
    }

    fn row_error(&self, source: crate::message::CodecError) -> ViewError {
        ViewError::Row { table: self.table.as_str().to_owned(), source }
    }
}
