use cqrs_core::prelude::*;

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Deposit {
    account: String,
    cents: i64,
}

#[command_handler(contrat)]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into(), cents: 1 }).await;
}

fn main() {}
