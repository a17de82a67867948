use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

struct Service;

impl Service {
    #[event_handler]
    async fn welcome(&self, _: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }
}

fn main() {}
