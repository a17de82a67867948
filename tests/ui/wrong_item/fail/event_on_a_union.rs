use cqrs_core::prelude::*;

#[derive(Event)]
union Deposited {
    cents: i64,
}

fn main() {}
