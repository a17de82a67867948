use cqrs_core::prelude::*;

#[derive(Command)]
#[command(retry = "sometimes")]
struct Deposit {
    account: String,
}

fn main() {}
