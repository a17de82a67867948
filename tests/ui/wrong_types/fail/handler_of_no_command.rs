use cqrs_core::prelude::*;

struct Deposit {
    account: String,
}

#[command_handler]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
