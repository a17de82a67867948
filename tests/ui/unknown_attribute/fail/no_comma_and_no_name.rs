use cqrs_core::prelude::*;

#[derive(Command)]
#[command(name = "a" version = 2)]
struct Deposit {
    account: String,
}

#[derive(Command)]
#[command("deposit")]
struct Withdraw {
    account: String,
}

fn main() {}
