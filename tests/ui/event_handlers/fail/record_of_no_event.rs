use cqrs_core::prelude::*;

struct Opened;

#[event_handler]
async fn welcome(_: &Recorded<Opened>) -> Result<(), HandlerError> {
    Ok(())
}

fn main() {}
