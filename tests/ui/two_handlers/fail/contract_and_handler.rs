use cqrs_core::prelude::*;

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Deposit {
    account: String,
}

#[command_handler]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
