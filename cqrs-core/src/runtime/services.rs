//! The surroundings of one application, together.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::{Clock, Random, Spawner, SystemClock, SystemRandom, TokioSpawner};
use crate::event::Skips;
use crate::message::{IdGenerator, Timestamp, UuidV7};

/// Clock, identifiers, randomness and task spawner of one application.
#[derive(Clone)]
#[non_exhaustive]
pub struct Services {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Tasks.
    pub spawner: Arc<dyn Spawner>,
    /// What was read and skipped.
    pub(crate) skips: Arc<Skips>,
}

impl Services {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn id(&self, now: Timestamp) -> Uuid {
        self.ids.next(now)
    }
}

impl Default for Services {
    /// The system's clock, UUIDv7, SplitMix64 and tokio.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(UuidV7::new()),
            random: Arc::new(SystemRandom::new()),
            spawner: Arc::new(TokioSpawner),
            skips: Arc::default(),
        }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}
