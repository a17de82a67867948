use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler(retry = "3", cache = "1m", contract)]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
