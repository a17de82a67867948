use cqrs_core::prelude::*;

struct Money;

#[derive(Event)]
enum AccountEvent {
    Deposited { amount: Money },
}

fn main() {}
