use cqrs_core::prelude::*;

#[derive(Command)]
#[command(timeout = 2)]
struct Deposit {
    account: String,
}

fn main() {}
