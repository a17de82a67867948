use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[command_handler]
async fn deposit(_: &Deposit) {}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into(), cents: 1 }).await;
}

fn main() {}
