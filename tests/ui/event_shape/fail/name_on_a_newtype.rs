use cqrs_core::prelude::*;

#[derive(Event)]
struct Deposited {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    #[event(name = "account.deposited", version = 2)]
    Deposited(Deposited),
}

fn main() {}
