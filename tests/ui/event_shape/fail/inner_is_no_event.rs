use cqrs_core::prelude::*;

struct Deposited {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    Deposited(Deposited),
}

fn main() {}
