use cqrs_core::prelude::*;

#[derive(Event)]
#[event(codce = Json)]
#[serde(tag = "type")]
enum AccountEvent {
    Opened(String, i64),
    #[event(version = 0)]
    Paid {
        cents: i64,
    },
    #[event(name = "account.paid")]
    Deposited {
        cents: i64,
    },
    #[event(name = "geld über")]
    Moved,
}

fn types() -> usize {
    AccountEvent::TYPES.len()
}

fn main() {}
