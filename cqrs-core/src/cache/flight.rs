//! Many callers of one missing answer run its query once.
//!
//! A flight is what the callers of one key share. Its gate has one permit;
//! whoever holds it runs the query. A run that succeeds leaves the answer and
//! closes the gate, which wakes all who wait. A run that ends otherwise, by an
//! error, a panic or a drop, gives the permit back, and the one who has waited
//! the longest runs the query instead.
//!
//! A flight whose run began before an invalidation is not boarded any more:
//! the next caller begins one of its own in its place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::entry::Kept;
use super::tag::Marks;
use super::{CacheKey, Stamp};
use crate::store::BuildOwnHash;

/// The flights of a cache, in a few tables with a lock each.
pub(super) struct Flights(Box<[Mutex<Table>]>);

type Table = HashMap<CacheKey, Boarding, BuildOwnHash>;

struct Boarding {
    flight: Arc<Flight>,
    aboard: usize,
}

struct Flight {
    gate: Semaphore,
    run: Mutex<Run>,
    landed: OnceLock<Kept>,
}

/// The run that is under way, or the last one.
struct Run {
    marks: Marks,
    stamp: Stamp,
}

/// A caller's place in a flight, given up on drop.
pub(super) struct Seat<'a> {
    flights: &'a Flights,
    key: &'a CacheKey,
    flight: Arc<Flight>,
}

/// What a caller finds.
pub(super) enum Boarded<'a> {
    /// The answer was kept meanwhile.
    Kept(Kept),
    Seat(Seat<'a>),
}

/// What becomes of a caller in a flight.
pub(super) enum Turn<'a> {
    /// Another one's run has left the answer.
    Landed(Kept),
    /// The caller runs the query while it holds this.
    Lead(SemaphorePermit<'a>),
}

const TABLES: u64 = 16;

impl Flights {
    pub(super) fn new() -> Self {
        Self((0..TABLES).map(|_| Mutex::default()).collect())
    }

    /// Takes a seat in the flight of a key, in a new one if there is none that
    /// serves. `find` looks for the answer once more: whoever lands keeps it
    /// under the same lock.
    pub(super) fn board<'a>(
        &'a self,
        key: &'a CacheKey,
        asked: Stamp,
        find: impl FnOnce() -> Option<Kept>,
        marks: impl FnOnce() -> Marks,
    ) -> Boarded<'a> {
        let mut table = self.table(key);
        if let Some(kept) = find() {
            return Boarded::Kept(kept);
        }
        if let Some(boarding) = table.get_mut(key)
            && boarding.flight.serves(asked)
        {
            boarding.aboard += 1;
            let flight = Arc::clone(&boarding.flight);
            return Boarded::Seat(Seat { flights: self, key, flight });
        }
        let flight = Arc::new(Flight {
            gate: Semaphore::new(1),
            run: Mutex::new(Run { marks: marks(), stamp: asked }),
            landed: OnceLock::new(),
        });
        table.insert(key.clone(), Boarding { flight: Arc::clone(&flight), aboard: 1 });
        Boarded::Seat(Seat { flights: self, key, flight })
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|table| locked(table).len()).sum()
    }

    fn table(&self, key: &CacheKey) -> MutexGuard<'_, Table> {
        // The high bits: the tables themselves and the shelf use the low ones.
        locked(&self.0[(key.hash() >> 48 & (TABLES - 1)) as usize])
    }
}

impl Seat<'_> {
    /// Waits until the answer is there, or the caller is the one to run.
    pub(super) async fn turn(&self) -> Turn<'_> {
        match self.flight.gate.acquire().await {
            Ok(permit) => Turn::Lead(permit),
            Err(_closed) => {
                let landed = self.flight.landed.get().expect("a gate is closed behind an answer");
                Turn::Landed(Arc::clone(landed))
            }
        }
    }

    /// Says what the run that now begins will reflect.
    pub(super) fn depart(&self, marks: Marks, stamp: Stamp) {
        *locked(&self.flight.run) = Run { marks, stamp };
    }

    /// Leaves the answer to all aboard. `keep` is called under the lock if no
    /// other flight has taken this one's place.
    pub(super) fn land(&self, answer: Kept, keep: impl FnOnce()) {
        let mut table = self.flights.table(self.key);
        if table.get(self.key).is_some_and(|now| Arc::ptr_eq(&now.flight, &self.flight)) {
            keep();
            table.remove(self.key);
        }
        drop(table);
        // The answer first: whoever finds the gate closed takes it.
        let _ = self.flight.landed.set(answer);
        self.flight.gate.close();
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut table = self.flights.table(self.key);
        if let Some(boarding) = table.get_mut(self.key)
            && Arc::ptr_eq(&boarding.flight, &self.flight)
        {
            boarding.aboard -= 1;
            if boarding.aboard == 0 {
                table.remove(self.key);
            }
        }
    }
}

impl Flight {
    /// Whether its answer will do for a caller who comes now.
    fn serves(&self, asked: Stamp) -> bool {
        let run = locked(&self.run);
        run.marks.hold() && run.stamp.serves(asked)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under the lock")
}
