#![doc = include_str!("../docs/crate.md")]
#![deny(missing_docs)]
#![warn(unreachable_pub)]

pub mod scenario;

pub mod laws;
pub mod schema;

pub mod clock;
pub mod ids;
mod record;
mod values;
pub mod wiring;

pub mod conformance;
pub mod event_bus;
pub mod fault;
pub mod postgres;
mod program;
#[cfg(unix)]
pub mod redis;

pub use clock::ManualClock;
pub use fault::{Fault, FaultyStore, Gate};
pub use ids::SequentialIds;
pub use scenario::Scenario;
