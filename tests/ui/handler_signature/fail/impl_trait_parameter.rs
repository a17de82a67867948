use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance, _clock: impl Send) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
