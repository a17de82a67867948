use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

struct Database;

#[query_handler]
async fn balance(_: &GetBalance, _database: Database) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
