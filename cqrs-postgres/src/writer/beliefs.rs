//! What the writer believes of the log: how it was when the newest event that it
//! knows of was written. Every group is written on condition that what it rests
//! on is still true; what was not, is known then.

use std::collections::HashMap;

use cqrs_core::store::{CheckpointName, ExpectedVersion};
use uuid::Uuid;

/// No stream gets as far, and what a group adds to it is still a number.
const FARTHEST: i64 = i64::MAX >> 1;

/// Streams and checkpoints that are remembered.
const MOST: usize = 1 << 16;

#[derive(Default)]
pub(super) struct Beliefs {
    heads: HashMap<Uuid, i64>,
    epochs: HashMap<String, i64>,
}

impl Beliefs {
    /// The version of a stream, if it is known.
    pub(super) fn head(&self, stream: Uuid) -> Option<i64> {
        self.heads.get(&stream).copied()
    }

    /// The version that a unit hopes a stream to have.
    pub(super) fn hope(expected: ExpectedVersion) -> i64 {
        match expected {
            ExpectedVersion::Exact(version) => version.get().cast_signed().min(FARTHEST),
            ExpectedVersion::NoStream | ExpectedVersion::Any => 0,
            ExpectedVersion::Exists => 1,
        }
    }

    pub(super) fn learn_head(&mut self, stream: Uuid, version: i64) {
        if self.heads.len() >= MOST {
            self.heads.clear();
        }
        self.heads.insert(stream, version);
    }

    /// The epoch of a checkpoint. Of one that is not known, the one held.
    pub(super) fn epoch(&self, name: &CheckpointName, held: i64) -> i64 {
        self.epochs.get(name.as_str()).copied().unwrap_or(held)
    }

    pub(super) fn learn_epoch(&mut self, name: &CheckpointName, epoch: i64) {
        if self.epochs.len() >= MOST {
            self.epochs.clear();
        }
        self.epochs.insert(name.as_str().to_owned(), epoch);
    }

    pub(super) fn learn_epochs(&mut self, names: &[&str], epochs: &[i64]) {
        for (name, epoch) in names.iter().zip(epochs) {
            self.learn_epoch(&CheckpointName::from((*name).to_owned()), *epoch);
        }
    }

    /// Forgets the streams, when somebody else has written.
    pub(super) fn forget_heads(&mut self) {
        self.heads.clear();
    }

    /// Forgets everything, when another log may be behind the connection.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
