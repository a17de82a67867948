use cqrs_core::prelude::*;

#[command_handlers]
struct Account;

fn account() -> Account {
    Account
}

fn main() {}
