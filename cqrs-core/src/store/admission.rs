//! What may wait in front of a store.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CommitError, Limits, UnitOfWork};

/// What a unit weighs beside its bytes.
const UNIT_OVERHEAD: usize = 512;

/// For stores that queue: counts what waits, and refuses what is too much.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    waiting: AtomicUsize,
}

impl Admission {
    /// Nothing waits yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, waiting: AtomicUsize::new(0) }
    }

    /// Checks a unit and counts it in; gives its weight, which is to be given
    /// back to [`leave`](Self::leave). One that is alone is taken whatever it
    /// weighs.
    ///
    /// # Errors
    ///
    /// [`CommitError::Invalid`] and [`CommitError::Overloaded`].
    pub fn enter(&self, work: &UnitOfWork) -> Result<usize, CommitError> {
        self.limits.check(work)?;
        let weight = work.bytes() + UNIT_OVERHEAD;
        let waiting = self.waiting.fetch_add(weight, Ordering::Relaxed);
        let limit = self.limits.queued_bytes;
        if waiting > 0 && waiting + weight > limit {
            self.waiting.fetch_sub(weight, Ordering::Relaxed);
            return Err(CommitError::Overloaded { waiting, limit });
        }
        Ok(weight)
    }

    /// Counts out what was counted in.
    pub fn leave(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Ordering::Relaxed);
    }

    /// A unit that was refused, without what it holds: its lineage breaks in its
    /// turn, not before the units ahead of it have committed.
    pub fn emptied(work: UnitOfWork) -> UnitOfWork {
        let empty = UnitOfWork::new(work.operation(), work.recorded_at());
        match work.lineage() {
            Some(lineage) => empty.in_lineage(lineage.clone()),
            None => empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{OperationId, Timestamp};
    use crate::store::{Operation, TableName};

    fn unit(bytes: usize) -> UnitOfWork {
        let id = OperationId::from_uuid(uuid::Uuid::from_u128(1));
        let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
        work.put(TableName::named("rows"), vec![1], vec![0; bytes - 1])
    }

    #[test]
    fn what_waits_is_counted_and_what_is_alone_is_taken() {
        let limits = Limits { queued_bytes: 2_000, ..Limits::default() };
        let admission = Admission::new(limits);
        let heavy = admission.enter(&unit(5_000)).expect("it is alone");
        let refused = admission.enter(&unit(1)).expect_err("it is not");
        assert!(matches!(refused, CommitError::Overloaded { waiting: 5_512, limit: 2_000 }));
        admission.leave(heavy);
        let first = admission.enter(&unit(100)).expect("there is room");
        admission.enter(&unit(100)).expect("there is room");
        admission.enter(&unit(1_000)).expect_err("there is not so much");
        admission.leave(first);
        admission.enter(&unit(100)).expect("there is room again");
    }
}
