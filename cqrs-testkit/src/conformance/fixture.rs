//! Where the suite gets its stores from, and what they can do.

use std::pin::Pin;
use std::time::Duration;

use cqrs_core::store::{EventStore, Store};

/// A future behind a pointer, as a fixture returns it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes the stores that a case runs against.
///
/// A closure that returns a future of a store is a fixture already, of a
/// store that is never opened again. Implement the trait to have durability
/// tested too, or to say that the store lacks a capability.
///
/// ```
/// use cqrs_core::store::memory::MemoryStore;
/// use cqrs_testkit::conformance::failures;
///
/// assert_eq!(failures(|| async { MemoryStore::new() }), []);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no stores",
    note = "pass a closure that returns a future of a store, or implement `Fixture`"
)]
pub trait Fixture: Send + Sync + 'static {
    /// A store with an empty log of its own.
    fn fresh(&self) -> BoxFuture<'_, Store>;

    /// Closes the store that [`fresh`](Self::fresh) gave last and opens its
    /// log again; `None` if that cannot be done. The suite keeps no other
    /// handle to the store.
    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        Box::pin(std::future::ready(None))
    }

    /// What the stores can do; everything, if nothing is said.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// How long a whole case may take before it counts as hung; a minute, if
    /// nothing is said.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// What a store can do beyond the least that the contract asks for. All of it
/// is on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The position of a commit is known when the commit is acknowledged, and
    /// all readers see its events by then.
    pub positions_known_at_commit: bool,
    /// The log outlives the store: [`Fixture::reopen`] gives it back.
    pub durable: bool,
}

impl Capabilities {
    /// Positions are given some time after the commit: the suite waits for
    /// them before it reads across streams.
    #[must_use]
    pub fn with_late_positions(mut self) -> Self {
        self.positions_known_at_commit = false;
        self
    }

    /// Nothing survives the store: the cases about durability do nothing.
    #[must_use]
    pub fn without_durability(mut self) -> Self {
        self.durable = false;
        self
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { positions_known_at_commit: true, durable: true }
    }
}

impl<F, Opening, S> Fixture for F
where
    F: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = S> + Send + 'static,
    S: EventStore,
{
    fn fresh(&self) -> BoxFuture<'_, Store> {
        let opening = self();
        Box::pin(async { Store::new(opening.await) })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().without_durability()
    }
}
