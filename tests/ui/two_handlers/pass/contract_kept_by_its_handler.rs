use cqrs_core::prelude::*;

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Deposit {
    account: String,
}

#[command_handler(contract)]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Withdraw {
    account: String,
}

struct Service;

#[handlers]
impl Service {
    #[command_handler(contract)]
    async fn withdraw(&self, _: &Withdraw) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}

fn main() {}
