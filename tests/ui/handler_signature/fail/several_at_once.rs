use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance<T>(_: GetBalance, _: impl Send) -> i64 {
    1
}

struct Service;

#[handlers]
impl Service {
    #[command_handler(kontract)]
    async fn open(self) -> i64 {
        1
    }
}

async fn run(app: &App) -> Result<i64, QueryError> {
    app.query(GetBalance { account: "ada".into() }).await
}

fn main() {}
