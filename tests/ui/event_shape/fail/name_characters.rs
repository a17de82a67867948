use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(name = "account deposited")]
    Deposited { cents: i64 },
    #[event(name = "")]
    Closed,
}

fn main() {}
