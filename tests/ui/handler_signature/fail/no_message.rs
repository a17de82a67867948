use cqrs_core::prelude::*;

#[query_handler]
async fn balance() -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
