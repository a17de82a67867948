//! Aggregates: pure decisions over a state that events build up.
//!
//! `decide` takes the state and a command and gives events or a rejection;
//! `apply` takes the state through one event. Neither can wait, read a clock
//! or fail for a technical reason, so a decision may be taken again at any
//! time: after a conflict, on the state behind a commit that is still under
//! way, or in a test without a runtime.

mod answer;
mod cache;
mod decide;
mod decider;
mod decision;
mod execute;
mod id;
mod keep;
mod load;
mod repository;
mod root;
mod snapshot;
mod tries;

pub use decider::Decider;
#[doc(hidden)]
pub use decider::decider;
pub use decision::{
    Decides, Decision, IntoDecision, IntoEvents, IntoRejection, Returning, returning,
};
pub use execute::RetryLimit;
pub use id::{AggregateId, IdFor, InvalidId};
pub use load::LoadError;
pub use repository::{Repository, SaveError};
pub use root::{LifecycleError, Root};
pub use snapshot::{SnapshotPolicy, StateCodec};

pub(crate) use execute::AggregateRuntime;
pub(crate) use load::panic_message;
pub(crate) use tries::LiveRetryLimit;

use crate::event::Event;

/// A state with its identity, events and rejections; derived.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// #[derive(Id)]
/// struct AccountId(String);
///
/// #[derive(Event)]
/// enum AccountEvent { Opened { owner: String } }
///
/// #[derive(Debug, PartialEq)]
/// enum AccountError { AlreadyOpen }
/// # impl std::fmt::Display for AccountError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("open") }
/// # }
/// # impl std::error::Error for AccountError {}
///
/// #[derive(Aggregate, Default)]
/// #[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
/// struct Account { open: bool }
///
/// #[apply]
/// impl Apply for Account {
///     fn apply(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Opened { .. } => self.open = true,
///         }
///     }
/// }
///
/// assert_eq!(Account::NAME, "account");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    label = "an aggregate is needed here",
    note = "add `#[derive(Aggregate, Default)]` and `#[aggregate(id = .., event = .., error = ..)]` to `{Self}`"
)]
pub trait Aggregate: Default + Send + Sync + 'static {
    /// The category of its streams, stored.
    const NAME: &'static str;
    /// What identifies one.
    type Id: AggregateId;
    /// Its events.
    type Event: Event;
    /// Why it rejects a command.
    type Error: std::error::Error + Send + Sync + 'static;

    /// When a snapshot is taken.
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::never();
    /// How its state is stored, `None` if it never is.
    const STATE: Option<StateCodec<Self>> = None;
    /// Whether the state is stored with every commit, so that a load never
    /// replays more than one unit of work.
    const STATE_STORED: bool = false;
    /// Whether a rejection may rest on a cached state that another process
    /// may have overtaken. By default it is confirmed against the stream.
    const STALE_REJECTIONS: bool = false;
}

/// How events change an aggregate's state.
///
/// Write it with [`#[apply]`](macro@crate::apply) above the impl: the
/// attribute refuses a wildcard arm, so that a new event type cannot be
/// overlooked.
#[diagnostic::on_unimplemented(
    message = "aggregate `{Self}` does not apply its events",
    label = "`Apply` is missing for `{Self}`",
    note = "write `#[apply] impl Apply for {Self} {{ fn apply(&mut self, event: &..) {{ match event {{ .. }} }} }}`"
)]
pub trait Apply: Aggregate {
    /// Takes the state through one event. Total: it cannot fail or wait.
    fn apply(&mut self, event: &Self::Event);

    #[doc(hidden)]
    const WRITE_THE_APPLY_ATTRIBUTE_ABOVE_THIS_IMPL: ();
}
