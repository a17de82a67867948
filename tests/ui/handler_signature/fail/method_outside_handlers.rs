use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

struct Service;

impl Service {
    #[query_handler]
    async fn balance(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(1)
    }
}

fn main() {}
