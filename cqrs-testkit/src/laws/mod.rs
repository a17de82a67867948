//! What must hold for every aggregate and its events, whatever they mean:
//! one line generates a property test for each law.
//!
//! ```
//! # use cqrs_core::prelude::*;
//! # #[derive(Id)] struct AccountId(String);
//! # #[derive(Command)] struct Deposit { id: AccountId, cents: u32 }
//! # #[derive(Event, Debug)] enum AccountEvent { Deposited { cents: u32 } }
//! # #[derive(Rejection, Debug)] enum AccountError {}
//! # #[derive(Aggregate, Default)]
//! # #[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
//! # struct Account { cents: u64 }
//! # #[command_handlers]
//! # impl Account {
//! #     fn deposit(&self, cmd: &Deposit) -> AccountEvent { AccountEvent::Deposited { cents: cmd.cents } }
//! # }
//! # #[apply]
//! # impl Apply for Account {
//! #     fn apply(&mut self, event: &AccountEvent) {
//! #         match event { AccountEvent::Deposited { cents } => self.cents += u64::from(*cents) }
//! #     }
//! # }
//! cqrs_testkit::law_tests!(Account);
//! ```
//!
//! | Law | What it looks for |
//! |---|---|
//! | events round trip | an event that is read back as another one, or not at all |
//! | upcasters are total | an old event that a step cannot take |
//! | apply is total | a history, made by commands, over which `apply` or a decision panics |
//! | decisions are deterministic | a decision that differs when it is taken again |
//! | snapshot and tail equal a replay | a stored state that leads elsewhere than its events |
//! | metadata round trip | metadata that is read back as another one |
//!
//! Events and commands are made up from their shapes. A failure is shrunk to a
//! small case and names the seed that finds it again: `CQRS_SEED=..`.
//! `CQRS_CASES` sets how many cases a law tries, 256 by default.

mod events;
mod histories;
mod metadata;
mod runner;

pub use events::{events_round_trip, upcasters_are_total};
pub use histories::{
    apply_is_total, decisions_are_deterministic, snapshot_and_tail_equal_a_replay,
};
pub use metadata::metadata_round_trips;

/// A property test for each [law](crate::laws) of an aggregate, in a module
/// `laws`; `law_tests!(account_laws: Account)` names the module.
#[macro_export]
macro_rules! law_tests {
    ($aggregate:ty) => {
        $crate::law_tests!(laws: $aggregate);
    };
    ($module:ident: $aggregate:ty) => {
        mod $module {
            #[allow(unused_imports, reason = "the aggregate may be a path")]
            use super::*;

            #[test]
            fn events_round_trip() {
                $crate::laws::events_round_trip::<$aggregate>();
            }

            #[test]
            fn upcasters_are_total() {
                $crate::laws::upcasters_are_total::<$aggregate>(
                    ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")),
                );
            }

            #[test]
            fn apply_is_total() {
                $crate::laws::apply_is_total::<$aggregate>();
            }

            #[test]
            fn decisions_are_deterministic() {
                $crate::laws::decisions_are_deterministic::<$aggregate>();
            }

            #[test]
            fn snapshot_and_tail_equal_a_replay() {
                $crate::laws::snapshot_and_tail_equal_a_replay::<$aggregate>();
            }

            #[test]
            fn metadata_round_trips() {
                $crate::laws::metadata_round_trips();
            }
        }
    };
}
