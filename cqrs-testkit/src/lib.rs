#![doc = include_str!("../docs/crate.md")]
#![deny(missing_docs)]

pub mod scenario;

pub mod clock;
pub mod ids;
pub mod wiring;

//pub mod conformance;
//pub mod fault;

pub use clock::ManualClock;
//pub use fault::FaultyStore;
pub use ids::SequentialIds;
pub use scenario::Scenario;
