use cqrs_core::prelude::*;

#[derive(Event)]
#[event(name = "account.deposited", version = 2)]
#[event(upcast(1 => from_1, 1 => again_from_1))]
struct Deposited {
    cents: i64,
}

fn from_1(event: Untyped) -> Untyped {
    event
}

fn again_from_1(event: Untyped) -> Untyped {
    event
}

fn main() {}
