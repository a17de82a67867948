use cqrs_core::prelude::*;

#[derive(Event)]
enum Inner {
    Deposited { cents: i64 },
    Withdrawn { cents: i64 },
}

#[derive(Event)]
enum AccountEvent {
    Moved(Inner),
}

const TYPES: usize = AccountEvent::TYPES.len();

fn main() {}
