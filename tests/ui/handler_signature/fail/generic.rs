use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance<T: Send>(_: &GetBalance, _: Dep<T>) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
