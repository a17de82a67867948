use cqrs_core::prelude::*;

#[derive(Command)]
#[command(timeout = "30")]
struct Deposit {
    account: String,
}

fn main() {}
