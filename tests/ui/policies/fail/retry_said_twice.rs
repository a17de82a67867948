use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64, retry = "3, 4")]
struct GetBalance {
    account: String,
}

fn main() {}
