use cqrs_core::prelude::*;

#[derive(Rejection)]
union Overdrawn {
    by: i64,
}

fn main() {}
