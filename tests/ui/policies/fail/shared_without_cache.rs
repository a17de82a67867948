use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64, shared)]
struct GetBalance {
    account: String,
}

fn main() {}
