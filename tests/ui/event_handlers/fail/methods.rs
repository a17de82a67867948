use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

struct Service;

#[handlers]
impl Service {
    #[event_handler(start = "nwo")]
    async fn welcome(&self, event: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    #[event_handler]
    async fn goodbye(event: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }
}

fn main() {}
