//! Read models that follow the log.
//!
//! A projection reads events in global order and writes rows of a keyed
//! table. Its rows and its place in the log commit in one unit of work, so
//! each event takes effect once, wherever the process stops. A worker that
//! was overtaken by another can no longer commit.
//!
//! The rows of all tenants stand in one table. Two tenants may have an account
//! of the same name, so a projection in an application with several tenants has
//! the tenant in its key, `key = (TenantId, AccountId)`, from
//! `event.stream().tenant()`; and who asks says which rows are meant,
//! `view.get(&(ctx.tenant().clone(), account))`.

mod error;
mod key;
mod rows;
mod runner;
mod status;
mod view;

pub use error::{ProjectionError, ViewError, WaitError};
pub use key::TableKey;
pub use rows::{Delivery, Rows};
pub(crate) use runner::{Runner, RunnerHandle};
pub use status::{ProjectionState, ProjectionStatus};
pub use view::View;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{Event, Recorded};
use crate::store::{CheckpointName, TableName};

/// A read model's description; derived.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// #[derive(Event)]
/// enum CounterEvent { Raised { by: i64 } }
///
/// #[derive(Projection, Default)]
/// #[projection(event = CounterEvent, key = String, row = i64)]
/// struct Totals;
///
/// impl Project for Totals {
///     async fn project(&self, event: &Recorded<CounterEvent>, rows: &mut Rows<'_, Self>) -> Result<(), ProjectionError> {
///         let CounterEvent::Raised { by } = event.data();
///         rows.update(event.stream().key().to_owned(), |total| *total += by).await
///     }
/// }
/// assert_eq!(Totals::NAME, "totals");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "a projection is needed here",
    note = "add `#[derive(Projection, Default)]` and `#[projection(event = .., key = .., row = ..)]` to `{Self}`"
)]
pub trait Projection: Default + Send + Sync + 'static {
    /// Its name, stored.
    const NAME: &'static str;
    /// Raised when its rows change their meaning: a new version starts from
    /// the beginning of the log beside the old one.
    const VERSION: u32;
    /// The events that it follows.
    type Event: Event;
    /// The key of its rows.
    type Key: TableKey;
    /// Its rows.
    type Row: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The table of its rows.
    #[must_use]
    fn table() -> TableName {
        format!("{}@{}", Self::NAME, Self::VERSION).into()
    }

    /// The name of its place in the log.
    #[must_use]
    fn checkpoint() -> CheckpointName {
        format!("projection {}@{}", Self::NAME, Self::VERSION).into()
    }
}

/// How events change the rows of a projection. Deterministic: the same events
/// give the same rows, so that a rebuild equals live processing.
#[diagnostic::on_unimplemented(
    message = "projection `{Self}` does not say how events change its rows",
    label = "`Project` is missing for `{Self}`",
    note = "write `impl Project for {Self} {{ async fn project(&self, event: &Recorded<..>, rows: &mut Rows<'_, Self>) -> Result<(), ProjectionError> {{ .. }} }}`"
)]
pub trait Project: Projection {
    /// Takes one event into the rows. It may run again after a crash; its
    /// writes take effect once.
    ///
    /// # Errors
    ///
    /// [`ProjectionError`]: the event is tried again later, and none behind
    /// it is taken before.
    fn project(
        &self,
        event: &Recorded<Self::Event>,
        rows: &mut Rows<'_, Self>,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;
}
