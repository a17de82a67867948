use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(_: &GetBalance) -> i64 {
    1
}

async fn run(app: &App) -> Result<i64, QueryError> {
    app.query(GetBalance { account: "ada".into() }).await
}

fn main() {}
