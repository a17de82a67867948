//! Faults in names of tables and checkpoints, and in rows.

use std::ops::Bound;

use bytes::Bytes;
use cqrs_core::store::{CheckpointName, Direction, TableName};

use crate::fault::Fault;
use crate::writing::lossy;

pub(crate) type Range = (Bound<Bytes>, Bound<Bytes>);

pub(crate) fn table(fault: Fault, table: &TableName) -> TableName {
    match fault {
        Fault::FoldsNamesOfTables => table.as_str().to_lowercase().into(),
        Fault::AcceptsIllFormedNames => table.as_str().replace('\0', "_").into(),
        _ => table.clone(),
    }
}

pub(crate) fn checkpoint(fault: Fault, name: &CheckpointName) -> CheckpointName {
    match fault {
        Fault::FoldsNamesOfCheckpoints => name.as_str().to_lowercase().into(),
        _ => name.clone(),
    }
}

pub(crate) fn key(fault: Fault, key: &[u8]) -> Bytes {
    match fault {
        Fault::TakesKeysForText => lossy(key),
        Fault::EndsKeysAtNull => {
            let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
            Bytes::copy_from_slice(&key[..end])
        }
        _ => Bytes::copy_from_slice(key),
    }
}

pub(crate) fn range(fault: Fault, (start, end): Range) -> Range {
    let end = match (fault, end) {
        (Fault::IncludesTheEndOfRows, Bound::Excluded(end)) => Bound::Included(end),
        (_, end) => end,
    };
    (start, end)
}

/// Changes the rows of a range, all of them and forward.
pub(crate) fn cut(
    fault: Fault,
    mut rows: Vec<(Bytes, Bytes)>,
    direction: Direction,
    limit: usize,
) -> Vec<(Bytes, Bytes)> {
    if fault == Fault::SortsRowsByLength {
        rows.sort_by_key(|(key, _)| key.len());
    }
    if fault == Fault::LimitsRowsAtTheWrongEnd {
        rows.truncate(limit);
    }
    if direction == Direction::Backward {
        rows.reverse();
    }
    rows.truncate(limit);
    rows
}
