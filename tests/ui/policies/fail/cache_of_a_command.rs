use cqrs_core::prelude::*;

#[derive(Command)]
#[command(cache = "10m")]
struct Deposit {
    account: String,
}

fn main() {}
