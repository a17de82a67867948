use cqrs_core::prelude::*;

struct Money;

#[derive(Command)]
struct Deposit {
    account: String,
    amount: Money,
}

fn main() {}
