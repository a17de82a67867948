use cqrs_core::prelude::*;

struct DepositedV1 {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 => from_1))]
    Deposited { cents: i64 },
}

fn from_1(old: DepositedV1) -> AccountEvent {
    AccountEvent::Deposited { cents: old.cents }
}

fn main() {}
