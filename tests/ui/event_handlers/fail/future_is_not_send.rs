use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

async fn elsewhere() {}

#[event_handler]
async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
    let one = std::rc::Rc::new(1);
    elsewhere().await;
    drop(one);
    Ok(())
}

fn main() {}
