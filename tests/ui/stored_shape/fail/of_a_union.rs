use cqrs_core::prelude::*;

#[derive(Schema)]
union Money {
    cents: i64,
    text: u64,
}

fn main() {}
