use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

struct Service;

#[query_handler]
impl Service {
    async fn balance(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(1)
    }
}

fn main() {}
