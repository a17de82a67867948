use cqrs_core::prelude::*;

struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
