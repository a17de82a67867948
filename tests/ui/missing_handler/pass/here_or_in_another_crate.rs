use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[command_handler]
async fn deposit(_: &Deposit) -> Result<i64, std::fmt::Error> {
    Ok(1)
}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    Ok(1)
}

#[derive(Command)]
#[command(output = i64, error = std::fmt::Error)]
struct HandledElsewhere {
    account: String,
}

async fn run(app: &App) -> Result<i64, CommandError<std::fmt::Error>> {
    let here = app.execute(Deposit { account: "ada".into(), cents: 1 }).await?;
    let there = app.execute(HandledElsewhere { account: "ada".into() }).await?;
    let asked = app.query(GetBalance { account: "ada".into() }).await.unwrap_or(0);
    Ok(here.value + there.value + asked)
}

fn main() {
    let _ = run;
}
