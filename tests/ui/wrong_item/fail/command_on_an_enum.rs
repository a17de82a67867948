use cqrs_core::prelude::*;

#[derive(Command)]
enum Deposit {
    Small(String),
}

#[command_handler]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
