//! A part that fails takes no other with it, and what passes is tried again.

use std::sync::atomic::{AtomicBool, Ordering};

use cqrs_core::OperationId;
use cqrs_core::prelude::*;
use cqrs_core::projection::ProjectionState;
use cqrs_testkit::{Fault, FaultyStore};
use support::bank::*;

use crate::stores::{GUARD, app, open};

mod readers {
    //! Three projections, of which the middle one panics until it is healed.

    use super::*;

    cqrs_core::module!();

    pub static IS_HEALED: AtomicBool = AtomicBool::new(false);

    macro_rules! reader {
        ($name:ident, $text:literal, $with:expr) => {
            #[derive(Projection, Default)]
            #[projection(name = $text, event = AccountEvent, key = AccountId, row = u32)]
            pub struct $name;

            impl Project for $name {
                async fn project(
                    &self,
                    event: &Recorded<AccountEvent>,
                    rows: &mut Rows<'_, Self>,
                ) -> Result<(), ProjectionError> {
                    $with();
                    rows.update(event.aggregate_id::<AccountId>()?, |count| *count += 1).await
                }
            }
        };
    }

    reader!(First, "first", || ());
    reader!(Middle, "middle", || assert!(IS_HEALED.load(Ordering::SeqCst), "on purpose"));
    reader!(Last, "last", || ());
}

#[tokio::test]
async fn a_projection_that_panics_harms_neither_the_command_nor_the_others() {
    let store = MemoryStore::new();
    let modules = cqrs_core::modules![readers, support::bank];
    let app = App::builder().modules(modules).store(store).build().unwrap();
    open(&app, "a").await;
    let done = app.execute(Deposit { account: "a".into(), cents: 1 }).await.expect("it commits");
    let token = done.receipt.token().unwrap();

    app.wait_for_projection::<readers::First>(token, GUARD).await.unwrap();
    app.wait_for_projection::<readers::Last>(token, GUARD).await.unwrap();
    app.wait_for(token, std::time::Duration::from_millis(200)).await.unwrap_err();
    let account = AccountId::from("a");
    let ran = || async {
        (
            app.view::<readers::First>().get(&account).await.unwrap(),
            app.view::<readers::Middle>().get(&account).await.unwrap(),
            app.view::<readers::Last>().get(&account).await.unwrap(),
        )
    };
    assert_eq!(ran().await, (Some(2), None, Some(2)));
    let of_middle = app.projections().into_iter().find(|one| one.name == "middle").unwrap();
    let ProjectionState::Failing(reason) = of_middle.state else { panic!("{of_middle:?}") };
    assert!(reason.contains("panicked at position 1: on purpose"), "{reason}");

    readers::IS_HEALED.store(true, Ordering::SeqCst);
    app.wait_for(token, GUARD).await.unwrap();
    assert_eq!(ran().await, (Some(2), Some(2), Some(2)));
}

/// With one call in a hundred failing for the moment, and one answer in
/// a hundred lost, every command succeeds once, and every event is taken in.
#[tokio::test]
async fn with_faults_in_one_of_a_hundred_calls_everything_succeeds_once() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = app(faulty.clone());
    let accounts: Vec<String> = (0..10).map(|n| format!("account-{n}")).collect();
    for account in &accounts {
        open(&app, account).await;
    }
    let always = usize::MAX;
    faulty.inject(Fault::unavailable().one_in(100, 1).times(always));
    faulty.inject(Fault::unreadable().one_in(100, 2).times(always));
    let rounds = 500;
    let mut number = 0;
    for _ in 0..rounds {
        for account in &accounts {
            number += 1;
            let operation = OperationId::from_uuid(uuid::Uuid::from_u128(number));
            let deposit = || Deposit { account: account.as_str().into(), cents: 1 };
            if number % 100 == 7 {
                faulty.inject(Fault::lost_acknowledgement());
            }
            let first = app.execute(deposit()).operation(operation).await;
            if let Err(error) = first {
                assert_eq!(error.code().as_str(), "outcome_unknown", "{error}");
                app.execute(deposit()).operation(operation).await.expect("it is known");
            }
        }
    }
    app.catch_up(GUARD).await.unwrap();
    faulty.recover();
    for account in &accounts {
        let balance = app.query(BalanceOf { account: account.as_str().into() }).await.unwrap();
        assert_eq!(balance, Some(rounds), "{account}");
    }
}
