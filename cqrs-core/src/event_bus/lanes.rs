//! The queue of one subscriber: lanes, each of which is worked off by one
//! worker at a time.
//!
//! A lane with events stands in the list of what is ready, or is in the hands
//! of a worker; never both, so that its events are handled one by one and in
//! order. A worker takes one event and puts the lane back behind the others of
//! its priority.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, oneshot};

use super::table::Entry;
use super::{BusEvent, Delivery, Failure};

/// What a bus with queues keeps for a subscriber.
pub(super) struct Queue {
    /// A permit for each event that may still come.
    pub(super) room: Semaphore,
    /// What it holds.
    pub(super) capacity: usize,
    lanes: Box<[Mutex<Lane>]>,
}

#[derive(Default)]
struct Lane {
    jobs: VecDeque<Job>,
    /// Whether it is ready, or in a worker's hands.
    busy: bool,
}

/// One event for one subscriber.
pub(super) struct Job {
    pub(super) event: BusEvent,
    /// Of the publisher who waits.
    pub(super) ticket: Option<Arc<Ticket>>,
}

/// Collects what fails of one event. When the last job with it is gone, the
/// publisher is told.
pub(super) struct Ticket {
    failures: Mutex<Vec<Failure>>,
    answer: Option<oneshot::Sender<Vec<Failure>>>,
}

/// What is ready to be worked on.
#[derive(Default)]
pub(super) struct Ready {
    turns: BinaryHeap<Turn>,
    next: u64,
}

/// The next event of a lane.
pub(super) struct Turn {
    order: (i32, Reverse<u64>),
    pub(super) entry: Arc<Entry<Queue>>,
    pub(super) lane: usize,
}

impl Queue {
    pub(super) fn new(delivery: &Delivery, capacity: usize) -> Self {
        let lanes = (0..delivery.lanes()).map(|_| Mutex::default()).collect();
        let capacity = delivery.capacity.unwrap_or(capacity).clamp(1, Semaphore::MAX_PERMITS);
        Self { room: Semaphore::new(capacity), capacity, lanes }
    }

    /// Adds a job to a lane; whether the lane is to be made ready.
    pub(super) fn push(&self, lane: usize, job: Job) -> bool {
        let mut lane = self.lanes[lane].lock().expect("nothing panics under the lock");
        lane.jobs.push_back(job);
        !std::mem::replace(&mut lane.busy, true)
    }

    /// Takes the next job of a lane that is in hand.
    pub(super) fn take(&self, lane: usize) -> Option<Job> {
        self.lanes[lane].lock().expect("nothing panics under the lock").jobs.pop_front()
    }

    /// Gives a lane back; whether it is to be made ready again.
    pub(super) fn give_back(&self, lane: usize) -> bool {
        let mut lane = self.lanes[lane].lock().expect("nothing panics under the lock");
        lane.busy = !lane.jobs.is_empty();
        lane.busy
    }
}

impl Ticket {
    pub(super) fn new() -> (Arc<Self>, oneshot::Receiver<Vec<Failure>>) {
        let (answer, answered) = oneshot::channel();
        (Arc::new(Self { failures: Mutex::default(), answer: Some(answer) }), answered)
    }

    pub(super) fn failed(&self, failure: Failure) {
        self.failures.lock().expect("nothing panics under the lock").push(failure);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let failures = self.failures.get_mut().expect("nothing panics under the lock");
        if let Some(answer) = self.answer.take() {
            // The publisher may have gone; the failures are reported already.
            let _ = answer.send(std::mem::take(failures));
        }
    }
}

impl Ready {
    pub(super) fn push(&mut self, entry: Arc<Entry<Queue>>, lane: usize) {
        self.next += 1;
        let order = (entry.subscriber.rank(), Reverse(self.next));
        self.turns.push(Turn { order, entry, lane });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// The next turn: of the highest priority, and there the one that is ready
    /// for longest.
    pub(super) fn pop(&mut self) -> Option<Turn> {
        self.turns.pop()
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Turn {}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

/// What the documentation of [`BusEvent`] says.
const _: () = {
    assert!(size_of::<Job>() <= 32);
    assert!(BusEvent::ONCE <= 150);
    assert!(BusEvent::ONCE + 10 * size_of::<Job>() <= 600);
};
