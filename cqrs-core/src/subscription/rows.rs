//! Whole tables of the framework's own.

use std::ops::Bound;

use bytes::Bytes;

use crate::store::{Direction, EventStore, ReadError, Store, TableName};

const PAGE: usize = 1_000;

/// All rows of a table, in the order of their keys.
pub(super) async fn all_rows(
    store: &Store,
    table: &TableName,
) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
    let (mut all, mut from) = (Vec::new(), Bound::Unbounded);
    loop {
        let rows = store.rows(table, (from, Bound::Unbounded), Direction::Forward, PAGE).await?;
        let last = rows.get(PAGE - 1).map(|(key, _)| key.clone());
        all.extend(rows);
        match last {
            Some(last) => from = Bound::Excluded(last),
            None => return Ok(all),
        }
    }
}
