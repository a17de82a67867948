use cqrs_core::prelude::*;

#[derive(Command)]
#[command(breaker = "")]
struct Deposit {
    account: String,
}

fn main() {}
