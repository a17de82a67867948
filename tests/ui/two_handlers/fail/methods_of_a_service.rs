use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

struct Service;

#[handlers]
impl Service {
    #[query_handler]
    async fn balance(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(1)
    }

    #[query_handler]
    async fn balance_too(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(2)
    }
}

fn main() {}
