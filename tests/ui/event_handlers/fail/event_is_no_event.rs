use cqrs_core::prelude::*;

struct Opened;

#[event_handler]
async fn welcome(event: &Opened) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
