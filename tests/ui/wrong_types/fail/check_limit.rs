use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    #[check(min = "one")]
    cents: i64,
}

fn main() {}
