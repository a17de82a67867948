use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler(volatile, start = "now")]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
