use cqrs_core::prelude::*;

#[derive(Clone, serde::Serialize)]
struct Balance {
    cents: i64,
}

#[derive(Query)]
#[query(output = Balance, cache = "10m")]
struct GetBalance {
    account: String,
}

fn main() {}
