use cqrs_core::prelude::*;

#[derive(Command)]
#[command(policy = "only auditors")]
struct Deposit {
    account: String,
}

fn main() {}
