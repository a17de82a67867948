use cqrs_core::prelude::*;

#[derive(Command)]
#[command(concurrency = 0)]
struct Deposit {
    account: String,
}

fn main() {}
