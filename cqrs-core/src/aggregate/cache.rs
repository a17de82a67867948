//! The loaded aggregates of a process, one slot a stream.
//!
//! A slot's state may be ahead of the store: it includes events whose commit
//! is under way. The slot's lineage tells when one of those has failed; the
//! state is then worthless and loaded again. Two slots for one stream (after
//! an eviction) do no harm: the version check of the append decides.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tokio::sync::Semaphore;

use crate::store::{BuildOwnHash, Lineage, StreamId, StreamVersion};

pub(super) struct AggregateCache<A> {
    slots: Cache<StreamId, Arc<Slot<A>>, UnitWeighter, BuildOwnHash>,
}

/// One stream's state and the queue in front of it.
pub(super) struct Slot<A> {
    state: Mutex<Option<Loaded<A>>>,
    /// Whoever loads the state holds the one permit; waiters are served first
    /// come, first served.
    gate: Semaphore,
    waiting: AtomicUsize,
}

pub(super) struct Loaded<A> {
    pub(super) state: A,
    pub(super) version: StreamVersion,
    pub(super) lineage: Lineage,
    pub(super) last_snapshot: Duration,
}

/// A place in the queue of a slot, given up on drop.
pub(super) struct Turn<'a> {
    _waiting: Waiting<'a>,
    _permit: tokio::sync::SemaphorePermit<'a>,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<A> AggregateCache<A> {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let hasher = BuildOwnHash::default();
        let (weight, life) = (UnitWeighter, DefaultLifecycle::default());
        Self { slots: Cache::with(capacity, capacity as u64, weight, hasher, life) }
    }

    pub(super) fn slot(&self, stream: &StreamId) -> Arc<Slot<A>> {
        if let Some(slot) = self.slots.get(stream) {
            return slot;
        }
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Slot::new()));
        match self.slots.get_or_insert_with(stream, fresh) {
            Ok(slot) => slot,
            Err(never) => match never {},
        }
    }
}

impl<A> Slot<A> {
    fn new() -> Self {
        Self { state: Mutex::new(None), gate: Semaphore::new(1), waiting: AtomicUsize::new(0) }
    }

    /// Whether nobody waits, so that a usable state may be taken at once.
    pub(super) fn is_open(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// Waits for this caller's turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(&self.waiting);
        let permit = self.gate.acquire().await.expect("the gate is never closed");
        Turn { _waiting: waiting, _permit: permit }
    }

    /// The state, emptied if a commit that it includes has failed.
    pub(super) fn state(&self) -> MutexGuard<'_, Option<Loaded<A>>> {
        let mut state = self.state.lock().expect("panics are caught inside the lock");
        if state.as_ref().is_some_and(|loaded| loaded.lineage.is_broken()) {
            *state = None;
        }
        state
    }
}
