use cqrs_core::prelude::*;

#[derive(Event)]
struct Inner {
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    Deposited(#[event(tag)] Inner),
}

fn main() {}
