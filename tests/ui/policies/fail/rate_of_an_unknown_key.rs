use cqrs_core::prelude::*;

#[derive(Command)]
#[command(rate_limit = "100/s per planet")]
struct Deposit {
    account: String,
}

fn main() {}
