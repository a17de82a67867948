use cqrs_core::prelude::*;

#[derive(Event)]
#[event(prefix = "bank account")]
enum AccountEvent {
    Deposited { cents: i64 },
}

fn main() {}
