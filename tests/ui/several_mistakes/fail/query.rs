use cqrs_core::prelude::*;

#[derive(Query)]
#[query(naem = "q", version = 0)]
struct GetBalance {
    #[check(requird)]
    account: String,
}

#[query_handler]
async fn balance(query: &GetBalance) -> Result<i64, QueryError> {
    Ok(query.account.len() as i64)
}

async fn run(app: &App) -> Result<i64, QueryError> {
    app.query(GetBalance { account: "ada".into() }).await
}

fn main() {}
