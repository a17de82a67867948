use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
}

async fn run(app: &App) -> i64 {
    let done = app.execute(Deposit { account: "ada".into() }).await.unwrap();
    done.value.abs()
}

fn main() {}
