use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
enum GetBalance {
    Of(String),
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
