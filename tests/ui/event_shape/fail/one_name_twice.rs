use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited {
        cents: i64,
    },
    #[event(name = "account.deposited")]
    Received {
        cents: i64,
    },
}

fn main() {}
