use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance;

#[query_handler(cache = "10m")]
fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
