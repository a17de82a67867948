//! How many calls run at once.
//!
//! A few wait for their turn, first come, first served. Whoever comes when the
//! queue is full is refused at once: a long queue only makes everybody late.
//!
//! A place that becomes free is given to the first in the queue by whoever
//! leaves, under the lock; the waiter is only woken. So nobody overtakes, and a
//! waiter that is dropped after it was given a place hands it on.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde::Serialize;

use super::sync::{Mutex, MutexGuard};

/// Lets so many calls run at once and so many wait.
///
/// ```
/// use std::num::NonZeroU32;
/// use cqrs_core::resilience::Bulkhead;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let bulkhead = Bulkhead::new(NonZeroU32::MIN, 0);
/// let permit = bulkhead.acquire().await.expect("nobody is inside");
/// let full = bulkhead.acquire().await.unwrap_err();
/// assert_eq!((full.limit, full.queue), (1, 0));
/// drop(permit);
/// assert!(bulkhead.acquire().await.is_ok());
/// # }
/// ```
pub struct Bulkhead(Mutex<Hall>);

/// As many calls run and wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} calls run and {queue} wait: call again later")]
#[non_exhaustive]
pub struct Full {
    /// How many may run.
    pub limit: u32,
    /// How many may wait.
    pub queue: usize,
}

/// How a bulkhead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BulkheadStatistics {
    /// How many may run.
    pub limit: u32,
    /// How many may wait.
    pub queue: usize,
    /// How many run, or have a place that they have not yet taken.
    pub inside: u32,
    /// How many wait.
    pub waiting: usize,
    /// How many were refused since it was made.
    pub refused: u64,
}

impl Bulkhead {
    /// An empty one for `limit` calls at once and `queue` that wait.
    #[must_use]
    pub fn new(limit: NonZeroU32, queue: usize) -> Self {
        Self(Mutex::new(Hall {
            limit: limit.get(),
            queue,
            inside: 0,
            next: 0,
            waiting: BTreeMap::new(),
            refused: 0,
        }))
    }

    /// Waits for a turn. The place in the queue is taken when the future is
    /// first polled.
    ///
    /// # Errors
    ///
    /// [`Full`] at once, when the queue is full.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue, or hands on the
    /// turn.
    pub async fn acquire(&self) -> Result<BulkheadPermit<'_>, Full> {
        let entered = self.hall().enter()?;
        if let Entered::Waits(ticket) = entered {
            Waiting { bulkhead: self, ticket, has_turn: false }.await;
        }
        Ok(BulkheadPermit(self))
    }

    /// A turn, if there is one without waiting for it.
    pub(crate) fn acquire_now(&self) -> Option<BulkheadPermit<'_>> {
        let mut hall = self.hall();
        let is_free = hall.inside < hall.limit;
        hall.inside += u32::from(is_free);
        is_free.then(|| BulkheadPermit(self))
    }

    /// Lets another number of calls run at once. Those that are inside stay;
    /// with a lower limit nobody enters before enough have left.
    pub fn set_limit(&self, limit: NonZeroU32) {
        let woken: Vec<_> = {
            let mut hall = self.hall();
            hall.limit = limit.get();
            std::iter::from_fn(|| hall.admit()).collect()
        };
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// Lets another number of calls wait. Those that wait stay.
    pub fn set_queue(&self, queue: usize) {
        self.hall().queue = queue;
    }

    /// How it stands.
    #[must_use]
    pub fn statistics(&self) -> BulkheadStatistics {
        let hall = self.hall();
        BulkheadStatistics {
            limit: hall.limit,
            queue: hall.queue,
            inside: hall.inside,
            waiting: hall.waiting.len(),
            refused: hall.refused,
        }
    }

    fn leave(&self) {
        let woken = self.hall().leave();
        if let Some(waker) = woken.flatten() {
            waker.wake();
        }
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.0.lock().expect("nothing panics under the lock")
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bulkhead").field(&self.statistics()).finish()
    }
}

/// A turn, until it is dropped. Holds no lock.
#[must_use = "the turn ends when it is dropped"]
pub struct BulkheadPermit<'a>(&'a Bulkhead);

impl Drop for BulkheadPermit<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl fmt::Debug for BulkheadPermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkheadPermit")
    }
}

/// Invariant: somebody waits only while `inside >= limit`.
struct Hall {
    limit: u32,
    queue: usize,
    inside: u32,
    /// The next ticket; tickets grow, so that the first of the map came first.
    next: u64,
    /// A waiter that has not been polled since it came has no waker.
    waiting: BTreeMap<u64, Option<Waker>>,
    refused: u64,
}

enum Entered {
    Inside,
    Waits(u64),
}

impl Hall {
    fn enter(&mut self) -> Result<Entered, Full> {
        if self.inside < self.limit {
            self.inside += 1;
            return Ok(Entered::Inside);
        }
        if self.waiting.len() >= self.queue {
            self.refused += 1;
            return Err(Full { limit: self.limit, queue: self.queue });
        }
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, None);
        Ok(Entered::Waits(ticket))
    }

    /// Gives a free place to the first in the queue, who has to be woken.
    fn admit(&mut self) -> Option<Option<Waker>> {
        if self.inside >= self.limit {
            return None;
        }
        let (_, waker) = self.waiting.pop_first()?;
        self.inside += 1;
        Some(waker)
    }

    fn leave(&mut self) -> Option<Option<Waker>> {
        self.inside -= 1;
        self.admit()
    }
}

/// Somebody in the queue. Whose ticket is no longer in it has a place.
struct Waiting<'a> {
    bulkhead: &'a Bulkhead,
    ticket: u64,
    /// Whether the permit has taken over.
    has_turn: bool,
}

impl Future for Waiting<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A waker runs foreign code when it is dropped, perhaps a task that
        // holds a permit: never under the lock.
        let waker = cx.waker().clone();
        let replaced = {
            let mut hall = self.bulkhead.hall();
            match hall.waiting.get_mut(&self.ticket) {
                Some(place) => Ok(place.replace(waker)),
                None => Err(waker),
            }
        };
        self.has_turn = replaced.is_err();
        if self.has_turn { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.has_turn {
            return;
        }
        let given_up = self.bulkhead.hall().waiting.remove(&self.ticket);
        if given_up.is_none() {
            self.bulkhead.leave();
        }
    }
}
