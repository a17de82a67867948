use cqrs_core::prelude::*;

#[derive(Command)]
#[command(verison = 2)]
struct Deposit {
    account: String,
}

fn main() {}
