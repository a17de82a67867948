//! Given, when, then: a behaviour as a test that reads like a sentence.
//!
//! ```
//! # use cqrs_core::prelude::*;
//! # #[derive(Id)] struct LampId(String);
//! # #[derive(Command)] struct SwitchOn { lamp: LampId }
//! # #[derive(Event, Clone, Debug, PartialEq)] enum LampEvent { SwitchedOn, SwitchedOff }
//! # #[derive(Debug, PartialEq)] struct AlreadyOn;
//! # impl std::fmt::Display for AlreadyOn {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("on") }
//! # }
//! # impl std::error::Error for AlreadyOn {}
//! # #[derive(Aggregate, Default)]
//! # #[aggregate(id = LampId, event = LampEvent, error = AlreadyOn)]
//! # struct Lamp { on: bool }
//! # #[command_handlers]
//! # impl Lamp {
//! #     fn switch_on(&self, _: &SwitchOn) -> Result<LampEvent, AlreadyOn> {
//! #         ensure!(!self.on, AlreadyOn);
//! #         Ok(LampEvent::SwitchedOn)
//! #     }
//! # }
//! # #[apply]
//! # impl Apply for Lamp {
//! #     fn apply(&mut self, event: &LampEvent) {
//! #         match event { LampEvent::SwitchedOn => self.on = true, LampEvent::SwitchedOff => self.on = false }
//! #     }
//! # }
//! use cqrs_testkit::Scenario;
//!
//! Scenario::of::<Lamp>()
//!     .given([LampEvent::SwitchedOn, LampEvent::SwitchedOff])
//!     .when(SwitchOn { lamp: "hall".into() })
//!     .then_events([LampEvent::SwitchedOn]);
//!
//! Scenario::of::<Lamp>()
//!     .given([LampEvent::SwitchedOn])
//!     .when(SwitchOn { lamp: "hall".into() })
//!     .then_rejected(AlreadyOn);
//! ```

mod app;
mod diff;
mod given;
mod outcome;

pub use app::{AppOutcome, AppScenario};
pub use given::Given;
pub use outcome::{Outcome, Then};

use cqrs_core::aggregate::Apply;
use cqrs_core::app::{AppBuilder, NoStore};

/// The beginning of a scenario.
#[derive(Debug)]
pub struct Scenario;

impl Scenario {
    /// A scenario of one aggregate: pure, without a runtime or a store.
    pub fn of<A: Apply>() -> Given<A> {
        Given::new()
    }

    /// A scenario of an application as it is wired, over a store in memory,
    /// with a clock that stands still and identifiers that count. What the
    /// builder brings is kept otherwise.
    ///
    /// # Panics
    ///
    /// Panics when the application cannot be built. Call it in a tokio
    /// runtime.
    #[track_caller]
    pub fn app(builder: AppBuilder<NoStore>) -> AppScenario {
        AppScenario::new(builder)
    }
}
