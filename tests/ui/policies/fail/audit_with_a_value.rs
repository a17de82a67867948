use cqrs_core::prelude::*;

#[derive(Command)]
#[command(audit = "yes")]
struct Deposit {
    account: String,
}

fn main() {}
