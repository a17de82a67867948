use cqrs_core::prelude::*;

#[derive(Command)]
#[command(name = "a", name = "b")]
#[command(name = "c")]
struct Deposit {
    account: String,
}

fn main() {}
