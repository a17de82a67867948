use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<String, QueryError> {
    Ok("1".to_owned())
}

fn main() {}
