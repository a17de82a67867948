//! Where the head of the log is, for all that follow it in one process.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::first;
use crate::runtime::{Services, TaskSet};
use crate::store::{CommitSignal, CommitWatch, EventStore, Position, Store};

/// Between two looks for what other processes have committed, of which the
/// store may not know.
pub(crate) const POLL: Duration = Duration::from_millis(200);

/// Looks where the head is, from the first watch on: once for all that follow
/// the log, so that a process with many of them reads no more than one with
/// few.
#[derive(Clone)]
pub(crate) struct Lookout(Arc<Shared>);

struct Shared {
    store: Store,
    services: Arc<Services>,
    tasks: TaskSet,
    seen: OnceLock<Arc<CommitSignal>>,
}

/// Wakes when somebody has committed, here or elsewhere.
#[derive(Debug)]
pub(crate) struct Heads {
    here: CommitWatch,
    elsewhere: CommitWatch,
}

impl Lookout {
    pub(crate) fn new(store: Store, services: Arc<Services>, tasks: TaskSet) -> Self {
        Self(Arc::new(Shared { store, services, tasks, seen: OnceLock::new() }))
    }

    /// From now on.
    pub(crate) fn watch(&self) -> Heads {
        let seen = self.0.seen.get_or_init(|| self.begin());
        Heads { here: self.0.store.watch(), elsewhere: seen.watch() }
    }

    fn begin(&self) -> Arc<CommitSignal> {
        let seen = Arc::new(CommitSignal::new(Position::NONE));
        let Shared { store, services, tasks, .. } = &*self.0;
        let (store, services) = (store.clone(), Arc::clone(services));
        let (signal, stopping) = (Arc::clone(&seen), tasks.clone());
        let look = async move {
            while !stopping.is_stopping() {
                // A store that cannot tell is asked again.
                if let Ok(info) = store.info().await {
                    signal.raise(info.head);
                }
                first(services.clock.sleep(POLL), stopping.stopped()).await;
            }
        };
        tasks.service("head of the log", Box::pin(look));
        seen
    }
}

impl Heads {
    /// Waits until the head lies above a position.
    pub(crate) async fn above(&mut self, position: Position) {
        first(self.here.above(position), self.elsewhere.above(position)).await;
    }
}

impl fmt::Debug for Lookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookout")
    }
}
