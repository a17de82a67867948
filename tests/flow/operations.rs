//! Operation ids: a command runs once, whatever happened to its answer.

use cqrs_core::bus::CancelToken;
use cqrs_core::message::OperationId;
use cqrs_core::prelude::*;
use cqrs_testkit::{Fault, FaultyStore, Gate, ManualClock};
use support::bank::*;

use crate::stores::{app, builder, log, open};

fn operation(number: u128) -> OperationId {
    OperationId::from_uuid(uuid::Uuid::from_u128(number))
}

fn bonus(percent: i64) -> Bonus {
    Bonus { account: "a".into(), percent }
}

#[tokio::test]
async fn a_repeated_operation_gets_the_recorded_outcome() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    app.execute(Deposit { account: "a".into(), cents: 100 }).await.unwrap();
    let first = app.execute(bonus(10)).operation(operation(1)).await.unwrap();
    let again = app.execute(bonus(10)).operation(operation(1)).await.unwrap();
    assert_eq!((first.value, again.value), (110, 110));
    assert!(!first.receipt.is_repeated() && again.receipt.is_repeated());
    assert_eq!(first.receipt.token(), again.receipt.token());
    assert_eq!(log(&app).await.len(), 3);
}

#[tokio::test]
async fn an_operation_with_other_content_is_refused() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    app.execute(Deposit { account: "a".into(), cents: 100 }).operation(operation(1)).await.unwrap();
    for error in [
        app.execute(Deposit { account: "a".into(), cents: 101 }).operation(operation(1)).await,
        app.execute(Withdraw { account: "a".into(), cents: 100 }).operation(operation(1)).await,
    ] {
        assert_eq!(error.unwrap_err().code().as_str(), "operation_reused");
    }
    assert_eq!(log(&app).await.len(), 2);
}

#[tokio::test]
async fn an_operation_without_events_is_recorded_too() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let nothing = app.execute(bonus(10)).operation(operation(5)).await.unwrap();
    assert_eq!(nothing.value, 0);
    app.execute(Deposit { account: "a".into(), cents: 100 }).await.unwrap();
    // Decided anew it would pay; recorded it does not.
    let again = app.execute(bonus(10)).operation(operation(5)).await.unwrap();
    assert_eq!(again.value, 0);
    assert_eq!(log(&app).await.len(), 2);
}

/// The acknowledgement is lost after the commit.
#[tokio::test]
async fn an_unknown_outcome_is_resolved_by_repeating_the_operation() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    let deposit = || Deposit { account: "a".into(), cents: 7 };

    faulty.inject(Fault::lost_acknowledgement());
    let error = app.execute(deposit()).await.unwrap_err();
    let CommandError::Bus(BusError::Unknown { operation, .. }) = error else { panic!("{error}") };

    // The id was the framework's own, so its content is the events'.
    use cqrs_core::store::EventStore;
    assert!(app.store().resolve(operation).await.unwrap().is_some());

    faulty.inject(Fault::lost_acknowledgement());
    let given = self::operation(9);
    let error = app.execute(deposit()).operation(given).await.unwrap_err();
    assert_eq!(error.code().as_str(), "outcome_unknown");
    let done = app.execute(deposit()).operation(given).await.unwrap();
    assert!(done.receipt.is_repeated());
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!(root.state().cents, 14);
}

#[tokio::test]
async fn a_timeout_is_unknown_once_the_unit_was_handed_over() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let clock = ManualClock::new();
    let app =
        builder().store(faulty.clone()).clock(clock.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    let gate = Gate::new();
    faulty.inject(Fault::delay(&gate));
    let call = tokio::task::spawn({
        let app = app.clone();
        let second = std::time::Duration::from_secs(1);
        async move { app.execute(Deposit { account: "a".into(), cents: 1 }).timeout(second).await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    clock.advance(std::time::Duration::from_secs(2));
    let error = call.await.unwrap().unwrap_err();
    let CommandError::Bus(BusError::Unknown { operation, .. }) = error else { panic!("{error}") };
    gate.release();
    use cqrs_core::store::EventStore;
    assert!(app.store().resolve(operation).await.unwrap().is_some());
}

#[tokio::test]
async fn an_expired_deadline_and_a_cancelled_token_run_no_handler() {
    let app = app(MemoryStore::new());
    let zero = std::time::Duration::ZERO;
    let open = || Open { account: "a".into(), owner: "Ada".into() };
    let error = app.execute(open()).timeout(zero).await.unwrap_err();
    assert!(matches!(error, CommandError::Bus(BusError::Timeout { .. })), "{error}");
    let token = CancelToken::new();
    token.cancel();
    let error = app.execute(open()).cancel(token).await.unwrap_err();
    assert!(matches!(error, CommandError::Bus(BusError::Cancelled)), "{error}");
    assert!(log(&app).await.is_empty());
}

/// A dropped call either never happened or ran to its end.
#[tokio::test]
async fn a_call_dropped_after_the_hand_over_still_commits() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    let gate = Gate::new();
    faulty.inject(Fault::delay(&gate));
    let call = tokio::task::spawn({
        let app = app.clone();
        async move { app.execute(Deposit { account: "a".into(), cents: 3 }).await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    gate.release();
    app.execute(Deposit { account: "a".into(), cents: 4 }).await.unwrap();
    let root = app.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (7, 3));
}

#[tokio::test]
async fn a_key_of_the_callers_own_names_an_operation_of_its_tenant() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let deposit =
        |cents| app.execute(Deposit { account: "a".into(), cents }).idempotency_key("order-7");

    let first = deposit(5).await.unwrap();
    let again = deposit(5).await.unwrap();
    let other = deposit(6).await.unwrap_err();
    app.execute(Open { account: "a".into(), owner: "Ada".into() })
        .tenant("acme")
        .idempotency_key("order-7")
        .await
        .expect("another tenant's key is another one");

    assert!(!first.receipt.is_repeated() && again.receipt.is_repeated());
    assert_eq!(other.code().as_str(), "operation_reused");
    assert_eq!(app.load::<Account>(&"a".into()).await.unwrap().state().cents, 5);
}

#[tokio::test]
async fn many_commands_at_once_keep_their_order_and_their_outcomes() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let commands = (1..=600).map(|n| Deposit { account: "a".into(), cents: i64::from(n % 7) });

    let outcomes = app.execute_all(commands).await;

    let failed = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err());
    let failed: Vec<usize> = failed.map(|(index, _)| index).collect();
    let expected: Vec<usize> = (0..600).filter(|index| (index + 1) % 7 == 0).collect();
    assert_eq!(failed, expected, "each invalid one, and no other");
    let versions: Vec<u64> = outcomes
        .iter()
        .flatten()
        .flat_map(|done| done.receipt.streams().map(|(_, version)| version.get()))
        .collect();
    assert!(versions.is_sorted(), "begun in their order");
}

#[tokio::test(flavor = "current_thread")]
async fn a_caller_whose_calls_never_wait_leaves_its_thread_to_others() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let others = tokio::spawn(std::future::ready(()));

    let mut calls = 0;
    while !others.is_finished() {
        app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap();
        calls += 1;
        assert!(calls < 10_000, "nobody else has had a turn");
    }
}
