//! Queries that answer row by row, and those whose answers are followed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cqrs_core::prelude::*;
use support::bank::*;

use crate::stores::{GUARD, open};

mod reads {
    //! A read model, its rows one by one, and the answer that it gives.

    use super::*;

    cqrs_core::module!();

    #[derive(Projection, Default)]
    #[projection(name = "streamed", event = AccountEvent, key = AccountId, row = i64)]
    pub struct Streamed;

    impl Project for Streamed {
        async fn project(
            &self,
            event: &Recorded<AccountEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let AccountEvent::Deposited { cents } = event.data() else { return Ok(()) };
            rows.update(event.aggregate_id::<AccountId>()?, |balance| *balance += cents).await
        }
    }

    #[derive(Query, Clone)]
    #[query(output = i64)]
    pub struct Total {}

    #[query_handler]
    pub async fn total(_query: &Total, rows: View<Streamed>) -> Result<i64, QueryError> {
        Ok(rows.all().await?.into_iter().map(|(_, cents)| cents).sum())
    }

    #[derive(Query)]
    #[query(stream = u32, role = "reader")]
    pub struct Numbers {
        #[check(min = 1)]
        pub limit: u32,
        pub fails_at: u32,
    }

    #[derive(Default)]
    pub struct Made(pub AtomicU32);

    #[query_handler]
    pub async fn numbers(
        query: &Numbers,
        rows: Emit<u32>,
        made: Dep<Made>,
    ) -> Result<(), QueryError> {
        for number in 0..query.limit {
            if number == query.fails_at {
                return Err(QueryError::failed("no further"));
            }
            rows.row(number).await?;
            made.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

use reads::{Made, Numbers, Total};

fn app(made: &Arc<Made>) -> App {
    App::builder()
        .modules(cqrs_core::modules![reads, support::bank])
        .store(MemoryStore::new())
        .provide(Arc::clone(made))
        .build()
        .expect("the reads are complete")
}

fn reader() -> Origin {
    Origin::new().principal(cqrs_core::policy::Principal::new("ann").role("reader"))
}

#[tokio::test]
async fn rows_come_in_order_and_no_faster_than_they_are_read() {
    let made = Arc::new(Made::default());
    let app = app(&made);
    let mut rows = app.stream_for(Numbers { limit: 1_000, fails_at: u32::MAX }, reader());

    assert_eq!(rows.next().await.unwrap().unwrap(), 0);
    let ahead = made.0.load(Ordering::SeqCst);
    assert!(ahead <= 66, "{ahead} rows were made for one that was read");
    for expected in 1..1_000 {
        assert_eq!(rows.next().await.unwrap().unwrap(), expected);
    }

    assert!(rows.next().await.is_none());
    assert!(rows.next().await.is_none(), "it stays over");
}

#[tokio::test]
async fn an_error_comes_behind_the_rows_before_it() {
    let made = Arc::new(Made::default());
    let app = app(&made);
    let mut rows = app.stream_for(Numbers { limit: 100, fails_at: 70 }, reader());

    for expected in 0..70 {
        assert_eq!(rows.next().await.unwrap().unwrap(), expected);
    }
    assert_eq!(rows.next().await.unwrap().unwrap_err().to_string(), "no further");
    assert!(rows.next().await.is_none());
}

#[tokio::test]
async fn policies_stand_in_front_of_the_first_row() {
    let made = Arc::new(Made::default());
    let app = app(&made);

    let mut nobody = app.stream(Numbers { limit: 1, fails_at: 9 });
    let mut invalid = app.stream_for(Numbers { limit: 0, fails_at: 9 }, reader());

    assert_eq!(nobody.next().await.unwrap().unwrap_err().code().as_str(), "unauthenticated");
    assert_eq!(invalid.next().await.unwrap().unwrap_err().code().as_str(), "validation");
    assert_eq!(made.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn whoever_stops_reading_ends_the_query() {
    let made = Arc::new(Made::default());
    let app = app(&made);
    let mut rows = app.stream_for(Numbers { limit: 1_000_000, fails_at: u32::MAX }, reader());
    rows.next().await.unwrap().unwrap();
    drop(rows);

    let left = app.shutdown_within(GUARD).await;

    assert!(left.is_orderly(), "{left:?}");
    assert!(made.0.load(Ordering::SeqCst) < 100);
}

#[tokio::test]
async fn an_answer_is_followed_by_those_that_it_becomes() {
    let app = app(&Arc::new(Made::default()));
    let mut totals = app.follow(Total {});
    assert_eq!(totals.next().await.unwrap(), 0);
    open(&app, "a").await;

    for cents in [5, 7] {
        let deposit = Deposit { account: "a".into(), cents };
        app.execute(deposit).shown_within(GUARD).await.unwrap();
        let next = tokio::time::timeout(GUARD, totals.next()).await.expect("it comes");
        assert_eq!(next.unwrap(), if cents == 5 { 5 } else { 12 });
    }
    let nothing = tokio::time::timeout(Duration::from_millis(300), totals.next()).await;
    assert!(nothing.is_err(), "the same answer is no update");

    app.shutdown().await;
    let over = tokio::time::timeout(GUARD, totals.next()).await.expect("it ends").unwrap_err();
    assert_eq!(over.code().as_str(), "shutting_down");
}

#[tokio::test]
async fn a_query_is_answered_after_a_commit_that_its_caller_names() {
    let app = app(&Arc::new(Made::default()));
    open(&app, "a").await;
    for cents in 1..=50 {
        let done = app.execute(Deposit { account: "a".into(), cents }).await.unwrap();
        let token = done.receipt.token().unwrap();
        let total = app.query(Total {}).after(token, GUARD).await.unwrap();
        assert_eq!(total, (1..=cents).sum::<i64>());
    }
}
