use cqrs_core::prelude::*;

struct Money;

#[derive(Event)]
enum AccountEvent {
    Deposited {
        #[event(tag)]
        account: Vec<String>,
    },
}

fn main() {}
