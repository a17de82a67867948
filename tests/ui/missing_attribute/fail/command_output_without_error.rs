use cqrs_core::prelude::*;

#[derive(Command)]
#[command(output = i64)]
struct Deposit {
    account: String,
}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into() }).await;
}

fn main() {}
