use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler(role = "admin", rate_limit = "1/s", public)]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
