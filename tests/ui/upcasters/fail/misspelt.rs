use cqrs_core::prelude::*;

#[derive(Event)]
#[event(retierd("account.gone"), unknwon = "skip")]
enum AccountEvent {
    #[event(version = 2, upcats(1 => same))]
    Deposited { cents: i64 },
    #[event(fist = 1, formerley("account.shut"))]
    Closed,
}

fn same(event: Untyped) -> Untyped {
    event
}

fn main() {}
