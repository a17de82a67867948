use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    #[id(account)]
    account: String,
    note: String,
}

fn main() {}
