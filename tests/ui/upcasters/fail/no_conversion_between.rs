use cqrs_core::prelude::*;

#[derive(Value)]
struct DepositedV1 {
    cents: i64,
}

#[derive(Value)]
struct DepositedV2 {
    cents: i64,
}

#[derive(Event)]
#[event(version = 3, upcast(1 as DepositedV1, 2 as DepositedV2))]
struct Deposited {
    cents: i64,
}

impl From<DepositedV2> for Deposited {
    fn from(old: DepositedV2) -> Self {
        Self { cents: old.cents }
    }
}

fn main() {}
