use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler(contract)]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

#[derive(Query)]
#[query(output = i64)]
struct Count;

struct Service;

#[handlers]
impl Service {
    #[query_handler(crate = cqrs_core, contract, zebra)]
    async fn count(&self, _: &Count) -> Result<i64, QueryError> {
        Ok(1)
    }
}

fn main() {}
