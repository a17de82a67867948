use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, rwo = i64)]
struct Balances;

fn main() {}
