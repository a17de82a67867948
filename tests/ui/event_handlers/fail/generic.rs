use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler]
async fn welcome<E: Event>(_: &E) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
