use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, String> {
    Ok(1)
}

fn main() {}
