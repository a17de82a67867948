//! What commits beside the events: snapshots, checkpoints, rows.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use crate::store::{
    Checkpoint, CheckpointName, CommitError, Direction, Epoch, Snapshot, StreamId, TableName,
    UnitOfWork,
};

#[derive(Default)]
pub(super) struct Tables {
    snapshots: HashMap<StreamId, Snapshot>,
    checkpoints: HashMap<CheckpointName, Checkpoint>,
    rows: HashMap<TableName, BTreeMap<Bytes, Bytes>>,
}

impl Tables {
    pub(super) fn check(&self, work: &UnitOfWork) -> Result<(), CommitError> {
        let Some(advance) = work.advance() else { return Ok(()) };
        let actual = self.checkpoints.get(advance.name()).map_or(Epoch::default(), |one| one.epoch);
        if actual == advance.epoch() && actual > Epoch::default() {
            Ok(())
        } else {
            let (checkpoint, held) = (advance.name().clone(), advance.epoch());
            Err(CommitError::Fenced { checkpoint, held, actual })
        }
    }

    /// Writes what has been checked.
    pub(super) fn write(&mut self, work: &UnitOfWork) {
        for snapshot in work.snapshots() {
            let newer = self.snapshots.get(snapshot.stream()).is_some_and(|kept| {
                kept.version() > snapshot.version() && kept.shape() == snapshot.shape()
            });
            if !newer {
                self.snapshots.insert(snapshot.stream().clone(), snapshot.clone());
            }
        }
        for write in work.tables() {
            let rows = self.rows.entry(write.table().clone()).or_default();
            match (write.key(), write.value()) {
                (None, _) => rows.clear(),
                (Some(key), Some(value)) => {
                    rows.insert(Bytes::copy_from_slice(key), value.clone());
                }
                (Some(key), None) => {
                    rows.remove(key);
                }
            }
        }
        if let Some(advance) = work.advance() {
            let checkpoint = Checkpoint {
                name: advance.name().clone(),
                epoch: advance.epoch(),
                cursor: advance.to(),
            };
            self.checkpoints.insert(advance.name().clone(), checkpoint);
        }
    }

    pub(super) fn snapshot(&self, stream: &StreamId) -> Option<Snapshot> {
        self.snapshots.get(stream).cloned()
    }

    pub(super) fn checkpoint(&self, name: &CheckpointName) -> Option<Checkpoint> {
        self.checkpoints.get(name).cloned()
    }

    pub(super) fn claim(&mut self, name: &CheckpointName) -> Checkpoint {
        let fresh = || Checkpoint { name: name.clone(), epoch: Epoch::default(), cursor: None };
        let checkpoint = self.checkpoints.entry(name.clone()).or_insert_with(fresh);
        checkpoint.epoch = Epoch::new(checkpoint.epoch.get() + 1);
        checkpoint.clone()
    }

    pub(super) fn row(&self, table: &TableName, key: &[u8]) -> Option<Bytes> {
        self.rows.get(table)?.get(key).cloned()
    }

    pub(super) fn rows(
        &self,
        table: &TableName,
        range: (Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Bytes, Bytes)> {
        let Some(rows) = self.rows.get(table) else { return Vec::new() };
        if is_empty(&range) {
            return Vec::new();
        }
        let found = rows.range(range).map(|(key, value)| (key.clone(), value.clone()));
        match direction {
            Direction::Forward => found.take(limit).collect(),
            Direction::Backward => found.rev().take(limit).collect(),
        }
    }
}

/// A range that `BTreeMap::range` would panic on.
fn is_empty((start, end): &(Bound<Bytes>, Bound<Bytes>)) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (start, end) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Included(start), Included(end)) => start > end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start >= end,
    }
}
