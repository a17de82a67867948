use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

struct Opaque;

#[command_handler]
async fn deposit(_: &Deposit) -> Result<Opaque, std::fmt::Error> {
    Ok(Opaque)
}

fn main() {}
