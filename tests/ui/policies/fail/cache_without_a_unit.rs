use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64, cache = "10")]
struct GetBalance {
    account: String,
}

fn main() {}
