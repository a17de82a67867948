//! What the suites run over.

use std::time::Duration;

use cqrs_core::app::{AppBuilder, NoStore};
use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, ReadRequest, RecordedEvent};
use support::bank;

pub const GUARD: Duration = Duration::from_secs(20);

pub fn builder() -> AppBuilder<NoStore> {
    App::builder().modules(modules![bank])
}

pub fn app(store: impl EventStore) -> App {
    builder().store(store).build().expect("the bank is complete")
}

/// All events of the log, in order.
pub async fn log(app: &App) -> Vec<RecordedEvent> {
    let request = ReadRequest::all().limit(usize::MAX);
    app.store().read(request).await.expect("the store can be read").into_events()
}

pub async fn open(app: &App, account: &str) {
    let open = bank::Open { account: account.into(), owner: "Ada".into() };
    app.execute(open).await.expect("a new account can be opened");
}
