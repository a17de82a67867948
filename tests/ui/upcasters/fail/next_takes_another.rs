use cqrs_core::prelude::*;

#[derive(Value)]
struct DepositedV1 {
    amount: f64,
}

#[derive(Value)]
struct DepositedV2 {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    #[event(version = 3, upcast(1 => from_1, 2 => from_2))]
    Deposited { cents: i64 },
}

fn from_1(old: DepositedV1) -> DepositedV1 {
    old
}

fn from_2(old: DepositedV2) -> AccountEvent {
    AccountEvent::Deposited { cents: old.cents }
}

fn main() {}
