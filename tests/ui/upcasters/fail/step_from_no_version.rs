use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 => same, 2 => same))]
    Deposited { cents: i64 },
    #[event(version = 3, first = 2, upcast(1 => same, 2 => same))]
    Withdrawn { cents: i64 },
    #[event(version = 2, upcast(0 => same, 1 => same))]
    Moved { cents: i64 },
    #[event(version = 2, first = 3)]
    Closed { cents: i64 },
    #[event(downcast(1 => same))]
    Audited { cents: i64 },
}

fn same(event: Untyped) -> Untyped {
    event
}

fn main() {}
