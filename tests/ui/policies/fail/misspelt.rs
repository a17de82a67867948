use cqrs_core::prelude::*;

#[derive(Command)]
#[command(timout = "2s")]
struct Deposit {
    account: String,
}

fn main() {}
