#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened,
    Closed(Closed),
}

#[derive(Event)]
struct Closed {
    reason: String,
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        _: &Recorded<AccountEvent>,
        _: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Greet {
    account: String,
}

#[derive(Command)]
#[command(error = std::fmt::Error)]
struct Note {
    account: String,
}

#[event_handler]
async fn plain(_: &AccountEvent) -> Result<(), HandlerError> {
    Ok(())
}

#[event_handler(name = "of.a.struct", start = "now", attempts = 3, on_failure = "skip")]
fn of_a_struct(event: &Closed) -> Result<(), std::fmt::Error> {
    if event.reason.is_empty() { Err(std::fmt::Error) } else { Ok(()) }
}

#[event_handler(concurrency = 4, parts = 2, timeout = "2s", breaker = "mail", audit)]
async fn everything(
    event: &Recorded<AccountEvent>,
    delivery: &Delivery,
    metadata: &Metadata,
    ctx: &Context,
    number: Dep<i64>,
    name: Option<Dep<String>>,
    bus: Bus,
    balances: View<Balances>,
) -> Result<(), HandlerError> {
    let _ = (event.position(), delivery.attempt, metadata.id, ctx.metadata(), *number);
    let _ = (name.is_some(), &bus, balances.get(&"a".to_owned()).await);
    Ok(())
}

#[event_handler(volatile)]
async fn one(_: &AccountEvent) -> Result<Greet, HandlerError> {
    Ok(Greet { account: String::new() })
}

#[event_handler]
async fn perhaps(_: &AccountEvent) -> Result<Option<Greet>, HandlerError> {
    Ok(None)
}

#[event_handler]
async fn several(_: &AccountEvent) -> Result<Vec<Greet>, HandlerError> {
    Ok(Vec::new())
}

#[event_handler]
async fn both(_: &AccountEvent) -> Result<(Greet, Option<Note>), HandlerError> {
    Ok((Greet { account: String::new() }, None))
}

struct Service;

#[handlers]
impl Service {
    #[event_handler]
    async fn first(&self, _: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    #[event_handler]
    fn second(&self, _: &AccountEvent) -> Result<Vec<(Greet, Note)>, HandlerError> {
        Ok(Vec::new())
    }

    #[event_handler]
    async fn third(&self, _: &Recorded<Closed>, bus: Bus) -> Result<(), HandlerError> {
        drop(bus);
        Ok(())
    }
}

fn main() {}
