use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[event(version = 2, upcast(1 => deposited_from_1))]
    Deposited { cents: i64 },
}

fn main() {}
