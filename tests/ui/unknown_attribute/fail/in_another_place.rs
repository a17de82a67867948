use cqrs_core::prelude::*;

#[derive(Event)]
#[event(name = "account", version = 2)]
enum AccountEvent {
    #[event(prefix = "account")]
    Paid {
        #[event(name = "who")]
        customer: String,
    },
}

#[derive(Event)]
#[event(prefix = "account", tag)]
struct Left {
    customer: String,
}

fn main() {}
