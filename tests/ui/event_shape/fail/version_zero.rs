use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 0)]
    Deposited { cents: i64 },
    #[event(version = 5000000000)]
    Closed,
}

fn main() {}
