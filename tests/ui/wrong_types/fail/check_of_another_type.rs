use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    #[check(required)]
    cents: i64,
}

fn main() {}
