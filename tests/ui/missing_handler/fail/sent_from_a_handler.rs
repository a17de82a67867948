use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[derive(Command)]
struct Transfer {
    from: String,
}

#[command_handler]
async fn transfer(cmd: &Transfer, bus: Bus) -> Result<(), CommandError<std::fmt::Error>> {
    bus.execute(Deposit { account: cmd.from.clone(), cents: 1 }).await?;
    Ok(())
}

fn main() {}
