use cqrs_core::prelude::*;

#[derive(Command)]
#[command(colour = red, description = "money in")]
struct Deposit {
    account: String,
}

fn main() {}
