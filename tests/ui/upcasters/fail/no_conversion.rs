use cqrs_core::prelude::*;

#[derive(Value)]
struct DepositedV1 {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 as DepositedV1))]
    Deposited { cents: i64 },
}

fn main() {}
