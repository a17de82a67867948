use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

struct Service;

#[handlers]
impl Service {
    #[event_handler(start = "nwo")]
    async fn welcome(&self, _: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    #[event_handler]
    async fn goodbye(_: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }
}

fn main() {}
