//! Commands against aggregates: decisions, conflicts, hot streams, time.

use std::sync::Arc;

use cqrs_core::aggregate::RetryLimit;
use cqrs_core::message::EventId;
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, ExpectedVersion, NewEvent, Operation, StreamId, StreamVersion, UnitOfWork,
};
use cqrs_testkit::{Fault, FaultyStore, Gate, ManualClock, Scenario};
use support::bank::*;

use crate::stores::{app, builder, log, open};

fn deposit(cents: i64) -> Deposit {
    Deposit { account: "a".into(), cents }
}

/// Another process appends behind the application's back.
async fn foreign_deposit(store: &impl EventStore, cents: i64) {
    let id = uuid::Uuid::from_u128(cents as u128 + 1);
    let payload = format!("{{\"cents\":{cents}}}").into_bytes();
    let event = NewEvent::new(
        EventId::from_uuid(id),
        "account.deposited",
        cqrs_core::message::SchemaVersion::FIRST,
        cqrs_core::message::Encoding::JSON,
        payload,
        Timestamp::EPOCH,
    );
    let stream = StreamId::new("account", "a").unwrap();
    let work = UnitOfWork::new(Operation::fresh(id.into()), Timestamp::EPOCH).append(
        stream,
        ExpectedVersion::Any,
        vec![event],
    );
    store.commit(work).await.unwrap();
}

#[test]
fn a_decision_may_be_no_event_one_or_several() {
    let opened = || Scenario::of::<Account>().given([AccountEvent::Opened { owner: "Ada".into() }]);
    opened().when(deposit(5)).then_events([AccountEvent::Deposited { cents: 5 }]);
    opened().when(DepositAll { account: "a".into(), amounts: vec![] }).then_no_events();
    opened()
        .when(DepositAll { account: "a".into(), amounts: vec![1, 2] })
        .then_events([AccountEvent::Deposited { cents: 1 }, AccountEvent::Deposited { cents: 2 }])
        .then_state(|account| assert_eq!(account.cents, 3));
    opened()
        .given_command(deposit(200))
        .when(Bonus { account: "a".into(), percent: 10 })
        .then_value(220);
    Scenario::of::<Account>().when(deposit(5)).then_rejected(AccountError::NotOpen);
}

/// Stored, returned and applied events are the same, once.
#[tokio::test]
async fn events_are_stored_once_and_the_receipt_names_the_version() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let amounts = vec![1, 2, 3];
    let done = app.execute(DepositAll { account: "a".into(), amounts }).await.unwrap();
    let streams: Vec<_> = done.receipt.streams().collect();
    assert_eq!(streams.len(), 1);
    assert_eq!((streams[0].0.key(), streams[0].1.get()), ("a", 4));
    assert_eq!(log(&app).await.len(), 4);
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (6, 4));
}

#[tokio::test]
async fn a_command_answers_with_its_handlers_value() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    app.execute(deposit(200)).await.unwrap();
    let balance: i64 = app.execute(Bonus { account: "a".into(), percent: 50 }).await.unwrap().value;
    assert_eq!(balance, 300);
}

#[tokio::test]
async fn a_stale_cache_is_decided_again_on_fresh_state() {
    let store = MemoryStore::new();
    let app = app(store.clone());
    open(&app, "a").await;
    app.execute(deposit(10)).await.unwrap();

    foreign_deposit(&store, 1000).await;

    let withdraw = Withdraw { account: "a".into(), cents: 1005 };
    app.execute(withdraw).await.unwrap();
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (5, 4));
}

#[tokio::test]
async fn a_rejection_from_the_cache_is_confirmed_against_the_stream() {
    let store = MemoryStore::new();
    let app = app(store.clone());
    open(&app, "a").await;
    foreign_deposit(&store, 50).await;
    // The cached balance is 0; on the true one the withdrawal is allowed.
    app.execute(Withdraw { account: "a".into(), cents: 50 }).await.unwrap();
    let error = app.execute(Withdraw { account: "a".into(), cents: 1 }).await.unwrap_err();
    assert_eq!(error.rejection(), Some(&AccountError::Overdrawn { by: 1 }));
}

#[tokio::test]
async fn a_passing_fault_of_the_store_is_overcome_and_stores_once() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    faulty.inject(Fault::unavailable().times(3));
    app.execute(deposit(1)).await.unwrap();
    assert_eq!(log(&app).await.len(), 2);
    faulty.inject(Fault::unavailable().times(4));
    let error = app.execute(deposit(1)).await.unwrap_err();
    assert!(error.is_retryable() && error.code().as_str() == "store_unavailable", "{error}");
    assert_eq!(log(&app).await.len(), 2);
}

#[tokio::test]
async fn operations_on_one_stream_keep_their_order() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let calls = (1..=60).map(|cents| {
        let app = app.clone();
        tokio::task::spawn(async move {
            let call = app.execute(deposit(cents));
            let operation = cqrs_core::OperationId::derived("order", cents);
            let named = cents % 3 != 0;
            let call = if named { call.operation(operation) } else { call };
            call.await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let events = log(&app).await;
    let cents = events.iter().filter_map(|event| {
        serde_json::from_slice::<serde_json::Value>(event.payload()).ok()?["cents"].as_i64()
    });
    assert!(cents.is_sorted());
}

#[tokio::test]
async fn conflicts_without_end_become_a_typed_error() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let builder =
        builder().store(faulty.clone()).without_projections().conflict_retries(RetryLimit(3));
    let app = builder.build().unwrap();
    open(&app, "a").await;

    faulty.inject(Fault::conflict().times(4));
    let error = app.execute(deposit(1)).await.unwrap_err();

    assert!(error.is_conflict() && error.is_retryable(), "{error}");
    let CommandError::Bus(BusError::Conflict { attempts, .. }) = error else { panic!("{error}") };
    assert_eq!(attempts, 4);
    faulty.inject(Fault::conflict().times(3));
    app.execute(deposit(1)).await.unwrap();
    assert_eq!(log(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_on_one_hot_stream_all_succeed_in_one_order() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let app = app.clone();
            tokio::task::spawn(async move {
                for _ in 0..50 {
                    app.execute(deposit(1)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (800, 801));
}

/// Nobody is acknowledged on a commit that failed, and those decided
/// behind it are decided again.
#[tokio::test]
async fn what_was_decided_behind_a_failed_commit_is_decided_again() {
    let store = MemoryStore::new();
    let faulty = FaultyStore::new(store.clone());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    app.execute(deposit(10)).await.unwrap();

    // The first unit is held back; the second is decided on its outcome.
    let gate = Gate::new();
    faulty.inject(Fault::delay(&gate));
    let first = tokio::task::spawn({
        let app = app.clone();
        async move { app.execute(deposit(100)).await }
    });
    let second = tokio::task::spawn({
        let app = app.clone();
        async move { app.execute(Withdraw { account: "a".into(), cents: 105 }).await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // One foreign event: the first unit's version is taken, and the second's
    // would fit although its state is wrong.
    foreign_deposit(&store, 1).await;
    gate.release();

    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (6, 5));
    let last = log(&app).await.pop().unwrap();
    assert_eq!(last.event_type().as_str(), "account.withdrawn", "withdrawn before it was there");
}

#[tokio::test]
async fn a_rejection_is_not_given_on_a_commit_that_fails() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    app.execute(deposit(10)).await.unwrap();

    // The withdrawal fails; what was rejected because of it is not rejected.
    let failing = cqrs_core::OperationId::derived("withdrawal", 1);
    faulty.inject(Fault::unavailable().of_operation(failing).times(10));
    let withdraw = |cents| app.execute(Withdraw { account: "a".into(), cents });
    let (first, second) =
        tokio::join!(withdraw(8).operation(failing).into_future(), withdraw(5).into_future());
    // The first one is decided again, behind the second.
    assert_eq!(first.unwrap_err().rejection(), Some(&AccountError::Overdrawn { by: 3 }));
    second.unwrap();
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (5, 3));
}

#[tokio::test]
async fn several_streams_commit_together_or_not_at_all() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    open(&app, "b").await;
    app.execute(deposit(10)).await.unwrap();
    let transfer = |cents| Transfer { from: "a".into(), to: "b".into(), cents };
    let done = app.execute(transfer(4)).await.unwrap();
    assert_eq!(done.receipt.streams().count(), 2);
    assert_eq!(done.receipt.commits().len(), 1);
    let error = app.execute(transfer(7)).await.unwrap_err();
    assert_eq!(error.rejection(), Some(&AccountError::Overdrawn { by: 1 }));
    assert_eq!(log(&app).await.len(), 5);
}

#[tokio::test]
async fn a_panicking_decision_is_an_error_and_the_next_command_works() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let error = app.execute(Explode { account: "a".into() }).await.unwrap_err();
    let CommandError::Bus(BusError::HandlerPanicked { name, message }) = &error else {
        panic!("{error}")
    };
    assert_eq!((*name, message.as_str()), ("Explode", "boom"));
    app.execute(deposit(1)).await.unwrap();
}

#[tokio::test]
async fn an_event_that_could_not_be_read_back_is_refused_before_the_commit() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let error = app.execute(Corrupt { account: "a".into(), deep: 0 }).await.unwrap_err();
    assert_eq!(error.code().as_str(), "event_not_storable");
    assert_eq!(log(&app).await.len(), 1);
    app.execute(deposit(1)).await.unwrap();
}

#[tokio::test]
async fn an_id_that_makes_no_stream_is_refused() {
    let app = app(MemoryStore::new());
    for bad in ["", "a\0b", &"x".repeat(256)] {
        let open = Open { account: bad.into(), owner: "Ada".into() };
        let error = app.execute(open).await.unwrap_err();
        assert_eq!(error.code().as_str(), "invalid_id", "{bad:?}");
    }
}

#[tokio::test]
async fn a_state_can_be_loaded_as_of_a_version_and_a_time() {
    let clock = ManualClock::new();
    let app = builder().store(MemoryStore::new()).clock(clock.clone()).build().unwrap();
    open(&app, "a").await;
    for _ in 0..25 {
        clock.advance(std::time::Duration::from_secs(1));
        app.execute(deposit(1)).await.unwrap();
    }
    app.settle().await;
    let accounts = app.repository::<Account>();
    for version in 0..=26 {
        let root = accounts.load_at(&"a".into(), StreamVersion::new(version)).await.unwrap();
        let cents = i64::try_from(version).unwrap() - 1;
        assert_eq!((root.version().get(), root.state().cents), (version, cents.max(0)));
    }
    let start = ManualClock::new();
    let ten_seconds_in =
        cqrs_core::runtime::Clock::now(&start).plus(std::time::Duration::from_secs(10));
    let root = accounts.load_as_of(&"a".into(), ten_seconds_in).await.unwrap();
    assert_eq!(root.state().cents, 10);
}

#[tokio::test]
async fn decisions_see_the_time_and_actor_of_their_dispatch() {
    let clock = ManualClock::new();
    let app = builder().store(MemoryStore::new()).clock(clock.clone()).build().unwrap();
    app.execute(Audit { account: "a".into() }).actor("ada").await.unwrap();
    let event = Recorded::<AccountEvent>::decode(log(&app).await.remove(0)).unwrap();
    let event = event.one().unwrap();
    let at = cqrs_core::runtime::Clock::now(&clock);
    assert_eq!(*event.data(), AccountEvent::Audited { by: Some("ada".into()), at });
}

#[tokio::test]
async fn two_applications_in_one_process_share_nothing() {
    let (one, other) = (app(MemoryStore::new()), app(MemoryStore::new()));
    open(&one, "a").await;
    open(&other, "a").await;
    one.execute(deposit(5)).await.unwrap();
    let load = |app: &App| app.repository::<Account>();
    assert_eq!(load(&one).load(&"a".into()).await.unwrap().state().cents, 5);
    assert_eq!(load(&other).load(&"a".into()).await.unwrap().state().cents, 0);
}

#[tokio::test]
async fn tenants_are_separate_streams() {
    let app = app(MemoryStore::new());
    for tenant in ["north", "south"] {
        let open = Open { account: "a".into(), owner: tenant.into() };
        app.execute(open).tenant(tenant).await.unwrap();
    }
    let error = app.execute(deposit(1)).await.unwrap_err();
    assert_eq!(error.rejection(), Some(&AccountError::NotOpen));
}

#[tokio::test]
async fn first_come_first_served_on_one_stream() {
    let app = Arc::new(app(MemoryStore::new()));
    open(&app, "a").await;
    let calls: Vec<_> = (1..=50).map(|cents| app.execute(deposit(cents)).into_future()).collect();
    for call in calls {
        call.await.unwrap();
    }
    let events = log(&app).await;
    let cents: Vec<i64> = events
        .iter()
        .filter_map(|event| serde_json::from_slice::<serde_json::Value>(event.payload()).ok())
        .filter_map(|payload| payload["cents"].as_i64())
        .collect();
    assert_eq!(cents, (1..=50).collect::<Vec<_>>());
}
