//! Read models: each event once, wherever the process stops.

use cqrs_core::prelude::*;
use cqrs_core::projection::{ProjectionState, WaitError};
use cqrs_core::store::{Direction, EventStore};
use cqrs_testkit::{Fault, FaultyStore, Scenario};
use support::bank::*;

use crate::stores::{GUARD, app, builder, open};

async fn deposit(app: &App, account: &str, cents: i64) -> Executed<()> {
    app.execute(Deposit { account: account.into(), cents }).await.unwrap()
}

#[tokio::test]
async fn a_query_sees_a_write_that_was_waited_for() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    for cents in 1..=20 {
        let done = deposit(&app, "a", cents).await;
        app.wait_for(done.receipt.token().unwrap(), GUARD).await.unwrap();
        let balance = app.query(BalanceOf { account: "a".into() }).await.unwrap();
        assert_eq!(balance, Some(cents * (cents + 1) / 2));
    }
}

#[tokio::test]
async fn the_scenario_of_an_application_speaks_the_same_words() {
    let scenario = Scenario::app(builder());
    scenario.given(Open { account: "a".into(), owner: "Ada".into() }).await;
    scenario
        .when(Deposit { account: "a".into(), cents: 5 })
        .await
        .then_events([AccountEvent::Deposited { cents: 5 }]);
    let withdraw = Withdraw { account: "a".into(), cents: 6 };
    scenario.when(withdraw).await.then_rejected(AccountError::Overdrawn { by: 1 });
    scenario.then_query(BalanceOf { account: "a".into() }, Some(5)).await;
}

#[tokio::test]
async fn stopping_and_starting_anywhere_applies_each_event_once() {
    let store = MemoryStore::new();
    let writer = builder().store(store.clone()).without_projections().build().unwrap();
    open(&writer, "a").await;
    for round in 1..=10_i64 {
        deposit(&writer, "a", round).await;
        let reader = app(store.clone());
        if round % 2 == 0 {
            reader.catch_up(GUARD).await.unwrap();
        } else {
            tokio::task::yield_now().await;
        }
        drop(reader);
    }
    let reader = app(store);
    reader.catch_up(GUARD).await.unwrap();
    assert_eq!(reader.query(BalanceOf { account: "a".into() }).await.unwrap(), Some(55));
}

/// Two workers overlap and the stale one cannot commit.
#[tokio::test]
async fn two_workers_on_one_projection_double_nothing() {
    let store = MemoryStore::new();
    let one = app(store.clone());
    open(&one, "a").await;
    let other = app(store.clone());
    let mut last = None;
    for _ in 0..200 {
        last = Some(deposit(&one, "a", 1).await);
        tokio::task::yield_now().await;
    }
    let token = last.unwrap().receipt.token().cloned().unwrap();
    one.wait_for(&token, GUARD).await.unwrap();
    other.wait_for(&token, GUARD).await.unwrap();
    assert_eq!(other.query(BalanceOf { account: "a".into() }).await.unwrap(), Some(200));
    let states: Vec<_> =
        [&one, &other].iter().map(|app| app.projections()[0].state.clone()).collect();
    assert!(states.contains(&ProjectionState::Standby), "{states:?}");
}

#[tokio::test]
async fn a_failing_commit_is_tried_again_and_doubles_nothing() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let writer = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&writer, "a").await;
    let done = deposit(&writer, "a", 5).await;
    faulty.inject(Fault::unavailable().times(2));
    let reader = app(faulty.clone());
    let token = done.receipt.token().unwrap();
    reader.wait_for(token, GUARD).await.unwrap();
    assert_eq!(reader.query(BalanceOf { account: "a".into() }).await.unwrap(), Some(5));
}

#[tokio::test]
async fn waiting_for_a_projection_that_stands_still_says_why() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let writer = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&writer, "a").await;
    let done = deposit(&writer, "a", 5).await;
    faulty.inject(Fault::unavailable().times(1_000));
    let reader = app(faulty.clone());
    let limit = std::time::Duration::from_millis(300);
    let error = reader.wait_for(done.receipt.token().unwrap(), limit).await.unwrap_err();
    let WaitError::Stuck { reader, reason, .. } = error else { panic!("{error}") };
    assert_eq!(&*reader, "balances");
    assert!(reason.contains("cannot write"), "{reason}");
}

/// A process that has nothing to take in claims nothing.
#[tokio::test]
async fn a_reader_that_is_up_to_date_takes_nothing_from_the_worker() {
    use cqrs_core::projection::Projection;
    let store = MemoryStore::new();
    let worker = app(store.clone());
    open(&worker, "a").await;
    deposit(&worker, "a", 5).await;
    worker.catch_up(GUARD).await.unwrap();
    let epoch =
        || async { store.checkpoint(&Balances::checkpoint()).await.unwrap().unwrap().epoch };
    let before = epoch().await;
    let reader = app(store.clone());
    reader.catch_up(GUARD).await.unwrap();
    assert_eq!(reader.query(BalanceOf { account: "a".into() }).await.unwrap(), Some(5));
    assert_eq!(epoch().await, before);
}

#[tokio::test]
async fn rows_can_be_read_in_key_order() {
    let app = app(MemoryStore::new());
    for account in ["b", "a", "c"] {
        open(&app, account).await;
        deposit(&app, account, 1).await;
    }
    app.catch_up(GUARD).await.unwrap();
    let view = app.view::<Balances>();
    let keys: Vec<String> =
        view.all().await.unwrap().into_iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    let range = view.range(AccountId::from("b").., Direction::Backward, 1).await.unwrap();
    assert_eq!(range[0].0, AccountId::from("c"));
}

#[tokio::test]
async fn a_rebuild_gives_the_same_rows() {
    let store = MemoryStore::new();
    let first = app(store.clone());
    open(&first, "a").await;
    for cents in 1..=30 {
        deposit(&first, "a", cents).await;
    }
    first.catch_up(GUARD).await.unwrap();
    let live = first.view::<Balances>().all().await.unwrap();
    first.shutdown().await;

    use cqrs_core::projection::Projection;
    use cqrs_core::store::{Operation, UnitOfWork};
    let checkpoint = store.claim_checkpoint(&Balances::checkpoint()).await.unwrap();
    let work = UnitOfWork::new(Operation::fresh(uuid::Uuid::from_u128(1).into()), Timestamp::EPOCH)
        .clear(Balances::table())
        .advance_checkpoint(Balances::checkpoint(), checkpoint.epoch, None);
    store.commit(work).await.unwrap();

    let again = app(store);
    assert!(again.view::<Balances>().all().await.unwrap().is_empty());
    again.catch_up(GUARD).await.unwrap();
    assert_eq!(again.view::<Balances>().all().await.unwrap(), live);
}

/// A restore makes another log of it: what was made of the old one is worth
/// nothing.
#[tokio::test]
async fn after_a_restore_the_rows_are_made_anew() {
    use cqrs_core::projection::Projection;
    use cqrs_core::store::{Cursor, LogId, Operation, Position, UnitOfWork};
    let store = MemoryStore::new();
    let writer = builder().store(store.clone()).without_projections().build().unwrap();
    open(&writer, "a").await;
    deposit(&writer, "a", 7).await;
    let before = store.claim_checkpoint(&Balances::checkpoint()).await.unwrap();
    let log = LogId::from_uuid(uuid::Uuid::from_u128(9));
    let place = Some(Cursor { log, position: Position::new(1_000) });
    let id = uuid::Uuid::from_u128(1).into();
    let stale = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH)
        .put(Balances::table(), b"gone".to_vec(), b"5".to_vec())
        .put(Balances::table(), b"a".to_vec(), b"5".to_vec())
        .advance_checkpoint(Balances::checkpoint(), before.epoch, place);
    store.commit(stale).await.unwrap();
    let again = app(store);
    again.catch_up(GUARD).await.unwrap();
    let rows = again.view::<Balances>().all().await.unwrap();
    assert_eq!(rows, [(AccountId::from("a"), 7)]);
}

#[tokio::test]
async fn after_shutdown_no_task_runs_and_new_work_is_refused() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    app.shutdown().await;
    assert_eq!(app.projections()[0].state, ProjectionState::Stopped);
    let error = app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap_err();
    assert_eq!(error.code().as_str(), "shutting_down");
}

mod delivered {
    //! A projection that writes down how events came to it.

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    cqrs_core::module!();

    /// How often the event that fails was tried.
    pub static TRIES: AtomicU32 = AtomicU32::new(0);

    #[derive(Projection, Default)]
    #[projection(event = AccountEvent, key = u64, row = String)]
    pub struct Deliveries;

    impl Project for Deliveries {
        async fn project(
            &self,
            event: &Recorded<AccountEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let delivery = rows.delivery();
            if matches!(event.data(), AccountEvent::Deposited { cents: 13 }) {
                let tries = TRIES.fetch_add(1, Ordering::SeqCst);
                if tries < 2 {
                    return Err(ProjectionError::failed("not yet"));
                }
            }
            let text = format!("{} {}", delivery.attempt, delivery.is_replay);
            rows.put(&event.position().get(), text);
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_handler_knows_which_try_it_is_and_whether_it_replays() {
    let store = MemoryStore::new();
    let writer = builder().store(store.clone()).without_projections().build().unwrap();
    open(&writer, "a").await;
    let modules = cqrs_core::modules![delivered, support::bank];
    let app = App::builder().modules(modules).store(store).build().unwrap();
    app.catch_up(GUARD).await.unwrap();
    deposit(&app, "a", 1).await;
    app.catch_up(GUARD).await.unwrap();
    deposit(&app, "a", 13).await;
    app.catch_up(GUARD).await.unwrap();
    deposit(&app, "a", 2).await;
    app.catch_up(GUARD).await.unwrap();
    let view = app.view::<delivered::Deliveries>();
    for (position, expected) in [(1, "1 true"), (2, "1 false"), (3, "3 false"), (4, "1 false")] {
        assert_eq!(view.get(&position).await.unwrap().as_deref(), Some(expected), "{position}");
    }
}

pub mod of_tenants {
    //! Balances of accounts of which two tenants may have one of the same name.

    use super::*;

    cqrs_core::module!();

    #[derive(Projection, Default)]
    #[projection(event = AccountEvent, key = (TenantId, AccountId), row = i64)]
    pub struct Holdings;

    impl Project for Holdings {
        async fn project(
            &self,
            event: &Recorded<AccountEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let AccountEvent::Deposited { cents } = event.data() else { return Ok(()) };
            let key = (event.stream().tenant().clone(), event.aggregate_id::<AccountId>()?);
            rows.update(key, |held| *held += cents).await
        }
    }

    #[derive(Query)]
    #[query(output = Option<i64>)]
    pub struct HeldBy {
        pub account: AccountId,
    }

    #[query_handler]
    pub async fn held_by(
        query: &HeldBy,
        holdings: View<Holdings>,
        ctx: &Context,
    ) -> Result<Option<i64>, QueryError> {
        Ok(holdings.get(&(ctx.tenant().clone(), query.account.clone())).await?)
    }
}

#[tokio::test]
async fn a_tenant_in_the_key_keeps_the_rows_of_tenants_apart() {
    let app = builder().modules(modules![of_tenants]).store(MemoryStore::new()).build().unwrap();
    for (tenant, cents) in [("north", 5), ("south", 7)] {
        let (account, owner) = ("a".into(), "Ada".into());
        app.execute(Open { account, owner }).tenant(tenant).await.unwrap();
        app.execute(Deposit { account: "a".into(), cents }).tenant(tenant).await.unwrap();
    }
    app.catch_up(GUARD).await.unwrap();
    for (tenant, held) in [("north", Some(5)), ("south", Some(7)), ("", None)] {
        let asked = app.query(of_tenants::HeldBy { account: "a".into() }).tenant(tenant);
        assert_eq!(asked.await.unwrap(), held, "{tenant}");
    }
    let keys: Vec<_> = app.view::<of_tenants::Holdings>().all().await.unwrap();
    let keys: Vec<_> = keys.iter().map(|((tenant, id), _)| format!("{tenant}/{id}")).collect();
    assert_eq!(keys, ["north/a", "south/a"]);
}
