use cqrs_core::prelude::*;

#[derive(Command)]
#[command(role = "admin", public)]
struct Deposit {
    account: String,
}

fn main() {}
