use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64, rate_limit = "0/s")]
struct GetBalance {
    account: String,
}

fn main() {}
