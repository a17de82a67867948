use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened(String, i64),
    Closed(),
}

fn main() {}
