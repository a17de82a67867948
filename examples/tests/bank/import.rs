//! What an import leaves behind, on both stores.

use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, Store};
use cqrs_sqlite::SqliteStore;
use examples::bank::{BalanceOf, Ledger, Report};

use super::support::{Bank, Rejections, app, decimal, import, made_up};

async fn stores(bank: &Bank) -> Vec<Store> {
    let sqlite = SqliteStore::open(bank.path("bank.db")).await.unwrap();
    vec![Store::new(MemoryStore::new()), Store::new(sqlite)]
}

#[tokio::test]
async fn the_second_import_of_a_file_adds_nothing() {
    let bank = Bank::new();
    let ledger = made_up(1_500, 40);
    let path = bank.ledger("ledger.csv", &ledger.rows);
    for store in stores(&bank).await {
        let app = app(store);
        let (first, _) = import(&app, &path).await;
        let (second, rejected) = import(&app, &path).await;
        assert_eq!((first.rows, first.accepted, first.new_events), (1_500, 1_500, 1_500));
        assert_eq!((second.rows, second.accepted, second.new_events), (1_500, 1_500, 0));
        assert_eq!((first.totals, rejected), (second.totals, vec![]));
        assert_eq!(second.totals.accounts, 40);
        assert_eq!(second.totals.sum.to_string(), decimal(ledger.sum));
        assert_eq!(second.totals.drifted, ledger.drifted);
    }
}

#[tokio::test]
async fn an_account_takes_its_rows_in_the_order_of_the_file() {
    let bank = Bank::new();
    let rows: String = (1..=600_i64)
        .map(|row| format!("{row},ada,1993-01-01,credit,,,{row},{}\n", row * (row + 1) / 2))
        .collect();
    let path = bank.ledger("ledger.csv", &rows);
    for store in stores(&bank).await {
        let (done, _) = import(&app(store), &path).await;
        assert_eq!((done.totals.events, done.totals.drifted), (600, 0));
    }
}

#[tokio::test]
async fn the_first_row_with_a_transaction_number_counts() {
    let bank = Bank::new();
    let rows = "1,ada,1993-01-01,credit,,,5.00,5.00\n\
                1,ada,1993-01-01,credit,,,5,5.0\n\
                1,bela,1993-01-01,credit,,,5.00,5.00\n\
                2,carla,1993-01-01,credit,,,7.00,7.00\n\
                1,ada,1993-01-01,debit,,,5.00,5.00\n\
                2,dora,1993-01-01,credit,,,8.00,8.00\n";
    let path = bank.ledger("ledger.csv", rows);
    for store in stores(&bank).await {
        let app = app(store);
        for new_events in [2, 0] {
            let (done, mut rejected) = import(&app, &path).await;
            rejected.sort();
            let reused = |line| format!("{line} transaction_reused");
            assert_eq!(rejected, [4, 6, 7].map(reused));
            assert_eq!((done.accepted, done.new_events), (3, new_events));
            assert_eq!((done.totals.accounts, done.totals.sum.to_string()), (2, "12.00".into()));
        }
    }
}

#[tokio::test]
async fn a_refusal_holds_when_the_balance_has_changed() {
    let bank = Bank::new();
    let rows = "1,ada,1993-01-01,credit,,,92233720368547758.07,92233720368547758.07\n\
                2,ada,1993-01-02,credit,,,0.01,92233720368547758.08\n\
                2,ada,1993-01-02,credit,,,0.01,92233720368547758.07\n\
                3,ada,1993-01-03,debit,,,7.00,92233720368547751.07\n\
                4,bela,1993-01-03,credit,,,92233720368547758.07,0\n";
    let path = bank.ledger("ledger.csv", rows);
    for store in stores(&bank).await {
        let app = app(store);
        for new_events in [3, 0] {
            let (done, rejected) = import(&app, &path).await;
            assert_eq!(rejected, ["3 amount_overflow", "4 balance_overflow"]);
            assert_eq!(done.new_events, new_events);
            assert_eq!(done.totals.sum.to_string(), "184467440737095509.14");
        }
    }
}

#[tokio::test]
async fn the_file_that_comes_with_the_program_has_no_fault() {
    let app = app(MemoryStore::new());
    let mut rejections = Rejections::default();
    let ledger = Ledger::built_in().unwrap();
    let done = examples::bank::import(&app, ledger, &mut rejections).await.unwrap();
    assert_eq!((done.rows, done.accepted, done.totals.accounts), (12, 12, 3));
    assert_eq!((rejections.0, done.totals.drifted), (vec![], 1));
}

#[tokio::test]
async fn the_past_is_answered_from_the_log_and_agrees_with_the_read_model() {
    let bank = Bank::new();
    let path = bank.ledger("ledger.csv", &made_up(900, 12).rows);
    for store in stores(&bank).await {
        let app = app(store);
        let (done, _) = import(&app, &path).await;
        let last = Some("1993-12-31".parse().unwrap());
        assert_eq!(app.query(Report { as_of: last }).await.unwrap(), done.totals);
        let account = || "a3".into();
        let now = app.query(BalanceOf { account: account(), as_of: None }).await.unwrap();
        assert_eq!(app.query(BalanceOf { account: account(), as_of: last }).await.unwrap(), now);
        assert_eq!(app.store().info().await.unwrap().head.get(), 900);
    }
}
