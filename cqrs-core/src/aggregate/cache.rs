//! The loaded aggregates of a process, one slot an aggregate.
//!
//! A slot's state may be ahead of the store: it includes events whose commit
//! is under way. The slot's lineage tells when one of those has failed; the
//! state is then worthless and loaded again. Two slots for one stream (after
//! an eviction) do no harm: the version check of the append decides.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};
use tokio::sync::Semaphore;

use super::Aggregate;
use crate::message::TenantId;
use crate::store::{Lineage, SeededHash, StreamId, StreamVersion};

type Slots<A> =
    Cache<Key<<A as Aggregate>::Id>, Arc<Slot<A>>, UnitWeighter, BuildHasherDefault<SeededHash>>;

/// Found by the id as the command holds it: a hit makes no stream's name.
pub(super) struct AggregateCache<A: Aggregate>(Slots<A>);

#[derive(Clone)]
struct Key<I> {
    tenant: TenantId,
    id: I,
}

struct Borrowed<'a, I> {
    tenant: &'a TenantId,
    id: &'a I,
}

impl<I: Hash> Hash for Borrowed<'_, I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.tenant.as_str().is_empty() {
            self.tenant.hash(state);
        }
        self.id.hash(state);
    }
}

impl<I: Hash> Hash for Key<I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrowed { tenant: &self.tenant, id: &self.id }.hash(state);
    }
}

impl<I: Eq> PartialEq for Key<I> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.tenant == other.tenant
    }
}

impl<I: Eq> Eq for Key<I> {}

impl<I: Eq> Equivalent<Key<I>> for Borrowed<'_, I> {
    fn equivalent(&self, key: &Key<I>) -> bool {
        *self.id == key.id && *self.tenant == key.tenant
    }
}

/// One aggregate's state and the queue in front of it.
pub(super) struct Slot<A> {
    pub(super) stream: StreamId,
    state: Mutex<Option<Loaded<A>>>,
    /// Whoever loads the state holds the one permit; waiters are served first
    /// come, first served.
    gate: Semaphore,
    waiting: AtomicUsize,
}

pub(super) struct Loaded<A> {
    pub(super) state: A,
    pub(super) version: StreamVersion,
    /// The aggregate takes no commands.
    pub(super) deleted: bool,
    /// The state lacks events that this build does not know.
    pub(super) partial: bool,
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

impl<A: Aggregate> AggregateCache<A> {
    pub(super) fn new(capacity: usize) -> Self {
        let hasher = BuildHasherDefault::default();
        let (weight, life) = (UnitWeighter, DefaultLifecycle::default());
        Self(Cache::with(capacity.max(1), capacity as u64, weight, hasher, life))
    }

    #[inline]
    pub(super) fn find(&self, tenant: &TenantId, id: &A::Id) -> Option<Arc<Slot<A>>> {
        self.0.get(&Borrowed { tenant, id })
    }

    /// The slot of an aggregate, made if there is none.
    pub(super) fn slot<E>(
        &self,
        tenant: &TenantId,
        id: &A::Id,
        stream: impl FnOnce() -> Result<StreamId, E>,
    ) -> Result<Arc<Slot<A>>, E> {
        let key = Key { tenant: tenant.clone(), id: id.clone() };
        self.0.get_or_insert_with(&key, || Ok(Arc::new(Slot::new(stream()?))))
    }
}

impl<A> Slot<A> {
    fn new(stream: StreamId) -> Self {
        let (state, gate, waiting) = (Mutex::new(None), Semaphore::new(1), AtomicUsize::new(0));
        Self { stream, state, gate, waiting }
    }

    /// Whether nobody waits, so that a usable state may be taken at once.
    #[inline]
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
    #[inline]
    pub(super) fn state(&self) -> MutexGuard<'_, Option<Loaded<A>>> {
        let mut state = self.state.lock().expect("panics are caught inside the lock");
        if state.as_ref().is_some_and(|loaded| loaded.lineage.is_broken()) {
            *state = None;
        }
        state
    }
}
