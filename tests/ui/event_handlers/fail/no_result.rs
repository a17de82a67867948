use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[event_handler]
async fn welcome(_: &AccountEvent) {}

fn main() {}
