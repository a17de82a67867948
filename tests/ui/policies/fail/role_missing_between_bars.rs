use cqrs_core::prelude::*;

#[derive(Command)]
#[command(role = "admin | ")]
struct Deposit {
    account: String,
}

fn main() {}
