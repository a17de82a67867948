use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler(attempts = 0)]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
