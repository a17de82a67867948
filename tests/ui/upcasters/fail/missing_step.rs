use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 3, upcast(1 => deposited_from_1))]
    Deposited { cents: i64 },
    #[event(version = 2)]
    Withdrawn { cents: i64 },
    #[event(version = 9, first = 2)]
    Moved { cents: i64 },
}

fn deposited_from_1(event: Untyped) -> Untyped {
    event
}

fn main() {}
