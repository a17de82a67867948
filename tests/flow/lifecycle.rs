//! Deletion and restoration, which are the framework's own events.

use cqrs_core::aggregate::LifecycleError;
use cqrs_core::bus::{CommandError, Origin};
use cqrs_core::event::{Deleted, Restored};
use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, ReadRequest, StreamId};
use support::bank::*;

use crate::stores::{app, log, open};

fn deposit() -> Deposit {
    Deposit { account: "a".into(), cents: 1 }
}

fn is_deleted<E>(result: Result<impl Sized, CommandError<E>>) -> bool {
    matches!(result, Err(CommandError::Bus(BusError::AggregateDeleted { stream }))
        if stream == StreamId::new("account", "a").unwrap())
}

#[tokio::test]
async fn a_deleted_aggregate_takes_no_commands_until_it_is_restored() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    app.execute(deposit()).await.unwrap();
    let accounts = app.repository_for::<Account>(Origin::new().actor("ada"));
    accounts.delete(&"a".into(), "closed by its owner").await.unwrap();
    assert!(is_deleted(app.execute(deposit()).await));
    // The cached state says so now, and is confirmed.
    assert!(is_deleted(app.execute(deposit()).await));
    let root = app.load::<Account>(&"a".into()).await.unwrap();
    assert!(root.is_deleted() && root.exists());
    assert_eq!((root.version().get(), root.state().cents), (3, 1));

    accounts.restore(&"a".into(), "a mistake").await.unwrap();
    app.execute(deposit()).await.unwrap();
    let root = app.load::<Account>(&"a".into()).await.unwrap();
    assert_eq!((root.is_deleted(), root.version().get(), root.state().cents), (false, 5, 2));

    let events = log(&app).await;
    let deleted = Recorded::<Deleted>::decode(events[2].clone()).unwrap().one().unwrap();
    assert_eq!(deleted.data().reason, "closed by its owner");
    assert_eq!(deleted.metadata().unwrap().actor, Some("ada".into()));
    let restored = Recorded::<Restored>::decode(events[3].clone()).unwrap().one().unwrap();
    assert_eq!(restored.data().reason, "a mistake");
}

#[tokio::test]
async fn what_cannot_be_deleted_or_restored_is_an_error() {
    let app = app(MemoryStore::new());
    let accounts = app.repository::<Account>();
    let id = AccountId::from("a");
    assert!(matches!(accounts.delete(&id, "").await, Err(LifecycleError::Missing)));
    assert!(matches!(accounts.restore(&id, "").await, Err(LifecycleError::NotDeleted)));
    open(&app, "a").await;
    assert!(matches!(accounts.restore(&id, "").await, Err(LifecycleError::NotDeleted)));
    accounts.delete(&id, "").await.unwrap();
    let error = accounts.delete(&id, "").await.unwrap_err();
    assert_eq!(error.code().as_str(), "aggregate_deleted");
}

#[tokio::test]
async fn another_process_sees_the_deletion_in_spite_of_its_cache() {
    let store = MemoryStore::new();
    let (one, other) = (app(store.clone()), app(store));
    open(&one, "a").await;
    one.execute(deposit()).await.unwrap();
    other.repository::<Account>().delete(&"a".into(), "").await.unwrap();
    assert!(is_deleted(one.execute(deposit()).await));
    other.repository::<Account>().restore(&"a".into(), "").await.unwrap();
    one.execute(deposit()).await.unwrap();
}

#[tokio::test]
async fn a_deletion_can_close_what_was_recorded_before_it_and_nothing_behind() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let accounts = app.repository::<Account>();
    let mut root = accounts.load(&"a".into()).await.unwrap();
    root.record(AccountEvent::Deposited { cents: 7 });
    root.delete("done").unwrap();
    root.record(AccountEvent::Deposited { cents: 8 });
    let error = accounts.save(&mut root).await.unwrap_err();
    assert_eq!(error.code().as_str(), "aggregate_deleted");

    let mut root = accounts.load(&"a".into()).await.unwrap();
    root.record(AccountEvent::Deposited { cents: 7 });
    root.delete("done").unwrap();
    accounts.save(&mut root).await.unwrap();
    assert_eq!(root.version().get(), 3);
    let mut root = accounts.load(&"a".into()).await.unwrap();
    assert!(root.is_deleted());
    root.restore("again").unwrap();
    root.record(AccountEvent::Deposited { cents: 8 });
    accounts.save(&mut root).await.unwrap();
    let names: Vec<String> =
        log(&app).await.iter().map(|event| event.event_type().to_string()).collect();
    let expected = [
        "account.opened",
        "account.deposited",
        "lifecycle.deleted",
        "lifecycle.restored",
        "account.deposited",
    ];
    assert_eq!(names, expected);
    assert_eq!(app.load::<Account>(&"a".into()).await.unwrap().state().cents, 15);
}

#[tokio::test]
async fn snapshots_know_of_deletion_and_restoration() {
    let store = MemoryStore::new();
    let first = app(store.clone());
    open(&first, "a").await;
    for _ in 0..8 {
        first.execute(deposit()).await.unwrap();
    }
    // The tenth event asks for a snapshot, and would be the deletion.
    let accounts = first.repository::<Account>();
    accounts.delete(&"a".into(), "").await.unwrap();
    first.settle().await;
    assert!(is_deleted(app(store.clone()).execute(deposit()).await));
    accounts.restore(&"a".into(), "").await.unwrap();
    for _ in 0..12 {
        first.execute(deposit()).await.unwrap();
        first.settle().await;
    }
    let stream = StreamId::new("account", "a").unwrap();
    let snapshot = store.snapshot(&stream).await.unwrap().unwrap();
    assert_eq!(snapshot.version().get(), 20);
    let root = app(store).load::<Account>(&"a".into()).await.unwrap();
    assert_eq!((root.is_deleted(), root.state().cents, root.version().get()), (false, 20, 23));
}

/// A projection takes deletions in by a variant that holds the event.
mod followed {
    use super::*;

    cqrs_core::module!();

    #[derive(Event, Debug)]
    pub enum Ends {
        Deleted(Deleted),
        Restored(Restored),
    }

    #[derive(Projection, Default)]
    #[projection(event = Ends, key = AccountId, row = String)]
    pub struct Reasons;

    impl Project for Reasons {
        async fn project(
            &self,
            event: &Recorded<Ends>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let id = event.aggregate_id::<AccountId>()?;
            match event.data() {
                Ends::Deleted(deleted) => rows.put(&id, deleted.reason.clone()),
                Ends::Restored(_) => rows.delete(&id),
            }
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_projection_can_follow_deletions() {
    let modules = cqrs_core::modules![followed, support::bank];
    let app = App::new(modules, MemoryStore::new()).unwrap();
    open(&app, "a").await;
    open(&app, "b").await;
    let accounts = app.repository::<Account>();
    for id in ["a", "b"] {
        accounts.delete(&id.into(), "gone").await.unwrap();
    }
    accounts.restore(&"b".into(), "back").await.unwrap();
    app.catch_up(std::time::Duration::from_secs(9)).await.unwrap();
    let reasons = app.view::<followed::Reasons>();
    assert_eq!(reasons.get(&"a".into()).await.unwrap(), Some("gone".into()));
    assert_eq!(reasons.get(&"b".into()).await.unwrap(), None);
    let all = app.store().read(ReadRequest::all()).await.unwrap();
    assert_eq!(all.events().len(), 5);
}
