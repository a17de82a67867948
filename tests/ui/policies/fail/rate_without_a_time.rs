use cqrs_core::prelude::*;

#[derive(Command)]
#[command(rate_limit = "100")]
struct Deposit {
    account: String,
}

fn main() {}
