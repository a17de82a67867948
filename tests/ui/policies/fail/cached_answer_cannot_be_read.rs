use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = &'static str, cache = "10m")]
struct GetBalance {
    account: String,
}

fn main() {}
