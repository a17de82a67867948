use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 => from_1))]
    Deposited { cents: i64 },
}

fn from_1(first: Untyped, second: Untyped, third: Untyped) -> Untyped {
    let _ = (second, third);
    first
}

fn main() {}
