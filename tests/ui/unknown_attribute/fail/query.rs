use cqrs_core::prelude::*;

#[derive(Query)]
#[query(ouput = i64)]
struct GetBalance {
    account: String,
}

fn main() {}
