//! One entry on its way to its account, and back.

use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::prelude::*;
use cqrs_core::store::EventStore;

use super::account::{Post, Posted};

/// How often a call is repeated that may succeed the next time, and how long
/// to wait before the first repetition; doubled each time.
const REPEATS: (u32, Duration) = (4, Duration::from_millis(50));

/// What became of an entry.
pub(super) type Answer = Result<Booked, Failure>;

/// When an entry was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    /// By this import.
    Now,
    /// By one before.
    Before,
}

/// An entry was not posted.
pub(super) enum Failure {
    /// The row is to blame.
    Refused { field: &'static str, code: &'static str, reason: String },
    /// The row is not to blame.
    Stopped(Box<dyn std::error::Error + Send + Sync>),
}

/// Posts an entry. Repeating it is safe whatever has become of the first
/// call, since the operation runs once.
pub(super) async fn post(app: &App, post: &Post) -> Answer {
    let (mut repeats, mut pause) = REPEATS;
    loop {
        match app.execute(post.clone()).operation(post.operation()).await {
            Ok(done) => return booked(post, &done, repeats == REPEATS.0),
            Err(error) if error.is_retryable() && repeats > 0 => {
                app.services().clock.sleep(pause).await;
                (repeats, pause) = (repeats - 1, pause * 2);
            }
            Err(CommandError::Bus(error)) => return Err(blame(app, post, error).await),
            Err(error) => return Err(Failure::Stopped(error.into())),
        }
    }
}

/// An answer that was recorded before is that of another import, unless the
/// outcome of the first call was unknown.
fn booked(post: &Post, done: &Executed<Posted>, first_call: bool) -> Answer {
    match done.value {
        Posted::Booked { .. } if first_call && done.receipt.is_repeated() => Ok(Booked::Before),
        Posted::Booked { .. } => Ok(Booked::Now),
        Posted::OutOfRange => {
            let (amount, account) = (post.entry.amount, &post.account);
            let reason = format!("`{amount}` takes account {account} out of range");
            Err(Failure::Refused { field: "amount", code: "balance_overflow", reason })
        }
    }
}

/// Whether the row is to blame for an error.
async fn blame(app: &App, post: &Post, error: BusError) -> Failure {
    match error {
        BusError::OperationReused { operation } => {
            let reason = format!("`{}` {}", post.entry.transaction, other(app, operation).await);
            Failure::Refused { field: "transaction_id", code: "transaction_reused", reason }
        }
        error => Failure::Stopped(error.into()),
    }
}

/// What the operation was used for before.
async fn other(app: &App, operation: OperationId) -> String {
    let recorded = app.store().resolve(operation).await.ok().flatten();
    let stream = recorded.as_ref().and_then(|commit| commit.streams().first());
    match stream {
        Some((stream, version)) => {
            format!("is already entry {version} of account {}, with other content", stream.key())
        }
        None => "was already used for another entry".to_owned(),
    }
}
