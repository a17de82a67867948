use cqrs_core::prelude::*;

#[derive(Command)]
union Deposit {
    cents: i64,
}

fn main() {}
