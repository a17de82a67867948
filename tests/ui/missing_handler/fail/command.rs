use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
}

async fn run(app: &App) -> Result<(), CommandError<std::fmt::Error>> {
    app.execute(Deposit { account: "ada".into() }).await?;
    Ok(())
}

fn main() {}
