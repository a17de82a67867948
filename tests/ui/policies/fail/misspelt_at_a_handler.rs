use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance;

#[query_handler(concurency = 4)]
fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
