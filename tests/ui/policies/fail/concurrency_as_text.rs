use cqrs_core::prelude::*;

#[derive(Command)]
#[command(concurrency = "4")]
struct Deposit {
    account: String,
}

fn main() {}
