use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[command_handler]
async fn deposit(_: &Deposit) -> Result<(), String> {
    Ok(())
}

fn main() {}
