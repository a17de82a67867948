use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    #[id]
    account: String,
    #[id]
    other: String,
    #[id]
    third: String,
}

fn main() {}
