//! What the framework takes from its surroundings, each behind a trait: time,
//! identifiers, randomness and the running of tasks. No other code reads a
//! clock, a random source or spawns, so that a whole application can run
//! under virtual time and one seed.

mod clock;
mod join;
mod name_hash;
mod polled;
mod race;
mod random;
mod services;
mod tasks;

pub use clock::{Clock, SystemClock};
pub(crate) use join::join_all;
pub(crate) use name_hash::NameHash;
pub(crate) use polled::{Polled, poll_once};
pub(crate) use race::race;
pub use random::{Random, SystemRandom};
pub use services::Services;
pub(crate) use tasks::TaskSet;
pub use tasks::{Spawner, TaskHandle, TokioSpawner};

use std::pin::Pin;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
