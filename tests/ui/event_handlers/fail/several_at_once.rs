use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler(start = "then", attempts = 0, timeout = "2", rol = "x")]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
