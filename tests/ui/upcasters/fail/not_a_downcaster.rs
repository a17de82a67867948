use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 => same), downcast(1 => to_1))]
    Deposited { cents: i64 },
}

fn same(event: Untyped) -> Untyped {
    event
}

fn to_1(event: &AccountEvent) -> std::time::Instant {
    let _ = event;
    std::time::Instant::now()
}

fn main() {}
