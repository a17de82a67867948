//! Where a rate limiter keeps what it knows of its callers: a table of fixed
//! size.
//!
//! A key belongs to one set of sixteen places and is looked for there alone, so
//! that every decision costs the same. What is known of a key is a time: while
//! it lies in the future the key has calls in hand, and afterwards nothing has
//! to be known. So a key without a place is one without calls in hand, places
//! become free by themselves, and a place is taken from whoever has the least
//! in hand.
//!
//! The table has two places for each key that it is made for. When it holds
//! all of them, one set in 250 is short of a place.

use std::time::Duration;

use super::sync::{Mutex, MutexGuard};

/// Places in a set.
pub(super) const WAYS: usize = 16;
const KEYS_A_SET: usize = WAYS / 2;

/// The most keys that a table is made for: 640 MiB.
pub(super) const MAX_KEYS: usize = 1 << 24;

pub(super) struct Places {
    sets: Box<[Apart]>,
}

/// Two threads in two sets do not share a line of the cache.
#[repr(align(64))]
struct Apart(Mutex<Set>);

/// Sixteen keys and, for each, the time at which it has nothing in hand any
/// more.
#[derive(Clone, Copy)]
pub(super) struct Set {
    keys: [u64; WAYS],
    until: [u64; WAYS],
    cells: Cells,
}

/// The generic cell rate algorithm, by virtual scheduling (ITU-T
/// Recommendation I.371, annex A; ATM Forum, Traffic Management 4.0). A key's
/// time moves on by one interval a call and may be ahead of the clock by the
/// tolerance. In nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    pub(super) interval: u64,
    pub(super) tolerance: u64,
}

impl Places {
    pub(super) fn new(keys: usize, cells: Cells) -> Self {
        let count = keys.clamp(1, MAX_KEYS).div_ceil(KEYS_A_SET);
        let set = Set { keys: [0; WAYS], until: [0; WAYS], cells };
        Self { sets: (0..count).map(|_| Apart(Mutex::new(set))).collect() }
    }

    /// The set of a key. The upper half of the hash, scaled: a count of sets
    /// need not be a power of two.
    pub(super) fn of(&self, key: u64) -> MutexGuard<'_, Set> {
        let scaled = (key >> 32) * self.sets.len() as u64;
        lock(&self.sets[(scaled >> 32) as usize])
    }

    pub(super) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Set>> {
        self.sets.iter().map(lock)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.sets)
    }
}

impl Set {
    /// Takes one call, or says after how long there is one.
    pub(super) fn take(&mut self, key: u64, now: u64) -> Result<(), Duration> {
        let place = self.place(key);
        let known = if self.keys[place] == key { self.until[place] } else { 0 };
        let until = self.cells.take(known, now)?;
        (self.keys[place], self.until[place]) = (key, until);
        Ok(())
    }

    /// Decides by another rate. Calls in hand stay so many calls, but no more
    /// than the new rate lets anybody have.
    pub(super) fn convert(&mut self, cells: Cells, now: u64) {
        let before = u128::from(self.cells.interval);
        let most = cells.tolerance.saturating_add(cells.interval);
        for until in &mut self.until {
            let in_hand = u128::from(until.saturating_sub(now));
            let scaled = in_hand * u128::from(cells.interval) / before;
            *until = now.saturating_add(u64::try_from(scaled).unwrap_or(most).min(most));
        }
        self.cells = cells;
    }

    /// The place of a key, or else the one whose holder has least in hand.
    fn place(&self, key: u64) -> usize {
        if let Some(place) = self.keys.iter().position(|held| *held == key) {
            return place;
        }
        let mut least = 0;
        for (place, until) in self.until.iter().enumerate() {
            if *until < self.until[least] {
                least = place;
            }
        }
        least
    }
}

impl Cells {
    fn take(self, until: u64, now: u64) -> Result<u64, Duration> {
        let ahead = until.saturating_sub(now);
        if ahead > self.tolerance {
            return Err(Duration::from_nanos(ahead - self.tolerance));
        }
        Ok(until.max(now).saturating_add(self.interval))
    }
}

fn lock(set: &Apart) -> MutexGuard<'_, Set> {
    set.0.lock().expect("nothing panics under the lock")
}
