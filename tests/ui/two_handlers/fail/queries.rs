use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

#[query_handler]
async fn balance_too(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(2)
}

fn main() {}
