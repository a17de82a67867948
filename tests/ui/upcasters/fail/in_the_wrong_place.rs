use cqrs_core::prelude::*;

#[derive(Event)]
#[event(version = 2, upcast(1 => same))]
enum AccountEvent {
    #[event(version = 2, upcast(1 => same))]
    Deposited(Deposited),
    #[event(retired("account.gone"))]
    Closed {
        #[event(version = 2)]
        by: String,
    },
}

#[derive(Event)]
#[event(retired("account.gone"), unknown = "skip")]
struct Deposited {
    cents: i64,
}

fn same(event: Untyped) -> Untyped {
    event
}

fn main() {}
