use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

type Answer = Result<i64, QueryError>;

#[query_handler]
async fn balance(_: &GetBalance) -> Answer {
    Ok(1)
}

#[derive(Query)]
#[query(output = i64)]
struct Count;

#[query_handler]
async fn count(_: &Count) -> std::io::Result<i64> {
    Ok(1)
}

fn main() {}
