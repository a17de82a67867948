use cqrs_core::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Money(i64);

#[derive(Command)]
struct Deposit {
    account: u64,
    amount: Money,
}

fn main() {}
