#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
}

#[cfg(any())]
#[event_handler(start = "now")]
async fn absent(_: &NoSuchEvent) -> Result<(), HandlerError> {
    Ok(())
}

#[event_handler]
#[cfg(any())]
async fn absent_below(_: &NoSuchEvent) -> Result<(), HandlerError> {
    Ok(())
}

#[event_handler]
#[cfg(all())]
async fn present(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

struct Service;

#[handlers]
impl Service {
    #[cfg(any())]
    #[event_handler]
    async fn absent(&self, _: &NoSuchEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    #[event_handler]
    #[cfg(all())]
    async fn present(&self, _: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }
}

fn main() {}
