use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64, timeout = "0s")]
struct GetBalance {
    account: String,
}

fn main() {}
