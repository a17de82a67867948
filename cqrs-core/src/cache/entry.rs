//! A kept answer, of any type, with what decides whether it is still good.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::Stamp;
use super::tag::Marks;

/// One allocation: what decides, and the answer behind it.
pub(super) struct Entry<T: ?Sized = dyn Any + Send + Sync> {
    pub(super) expires: Duration,
    pub(super) stamp: Stamp,
    pub(super) marks: Marks,
    pub(super) weight: u64,
    pub(super) value: T,
}

/// Why a kept answer is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Expired,
    Invalidated,
    /// It serves others, but not this caller.
    Outdated,
}

impl Entry {
    #[inline]
    pub(super) fn look(&self, asked: Stamp, now: Duration) -> Result<(), Unfit> {
        if now >= self.expires {
            Err(Unfit::Expired)
        } else if !self.marks.hold() {
            Err(Unfit::Invalidated)
        } else if !self.stamp.serves(asked) {
            Err(Unfit::Outdated)
        } else {
            Ok(())
        }
    }

    /// The answer, if it is of that type.
    #[inline]
    pub(super) fn answer<T: Clone + 'static>(&self) -> Option<T> {
        (&self.value as &dyn Any).downcast_ref::<T>().cloned()
    }
}

pub(super) type Kept = Arc<Entry>;
