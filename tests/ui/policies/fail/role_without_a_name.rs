use cqrs_core::prelude::*;

#[derive(Command)]
#[command(role = "")]
struct Deposit {
    account: String,
}

fn main() {}
