//! The aggregate alone.

use cqrs_testkit::Scenario;
use examples::bank::{Account, AccountEvent, Cents, Entry, Kind, Post};

cqrs_testkit::law_tests!(Account);

fn entry(transaction: &str, cents: i64) -> Entry {
    Entry {
        transaction: transaction.into(),
        date: "1993-01-31".parse().unwrap(),
        operation: "cash_deposit".into(),
        purpose: String::new(),
        amount: Cents::new(cents),
        stated: Cents::new(cents),
    }
}

fn post(kind: Kind, transaction: &str, cents: i64) -> Post {
    Post { account: "ada".into(), kind, entry: entry(transaction, cents) }
}

#[test]
fn the_first_entry_opens_the_account() {
    Scenario::of::<Account>()
        .given([])
        .when(post(Kind::Credit, "1", 70_000))
        .then_events([AccountEvent::Credited { entry: entry("1", 70_000) }]);
}

#[test]
fn an_overdraft_is_recorded() {
    Scenario::of::<Account>()
        .given([AccountEvent::Credited { entry: entry("1", 500) }])
        .when(post(Kind::Debit, "2", 800))
        .then_events([AccountEvent::Debited { entry: entry("2", 800) }]);
}

#[test]
fn a_balance_out_of_range_is_refused() {
    Scenario::of::<Account>()
        .given([AccountEvent::Credited { entry: entry("1", i64::MAX) }])
        .when(post(Kind::Credit, "2", 1))
        .then_events([]);
}

#[test]
fn the_operation_follows_from_the_transaction_alone() {
    let first = post(Kind::Credit, "1", 70_000);
    assert_eq!(first.operation(), post(Kind::Debit, "1", 5).operation());
    assert_ne!(first.operation(), post(Kind::Credit, "2", 70_000).operation());
}
