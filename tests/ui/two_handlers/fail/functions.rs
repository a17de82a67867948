use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[command_handler]
async fn deposit(cmd: &Deposit) -> Result<(), std::fmt::Error> {
    if cmd.cents > 0 { Ok(()) } else { Err(std::fmt::Error) }
}

#[command_handler]
async fn put(cmd: &Deposit) -> Result<(), std::fmt::Error> {
    deposit(cmd).await
}

fn main() {}
