//! Two services with a log each, which tell each other by integration events.
//! This one takes orders, and sends what others may know of them.
//!
//! `cargo run -p examples --example ordering -- ordering.db 127.0.0.1:4750`
//!
//! The second argument is where shipping listens; it need not be there. Then
//! type, with any UUID that names the purchase in both services:
//!
//! ```text
//! execute 00000000-0000-0000-0000-000000000001 Place {"order":"a","address":"Rome","express":true,"cents":500}
//! execute 00000000-0000-0000-0000-000000000001 Pay {"order":"a"}
//! trace 00000000-0000-0000-0000-000000000001
//! ```

mod console;
mod contract;

use std::sync::Arc;

use contract::PurchaseEvent;
use cqrs_core::event::IntegrationEvent;
use cqrs_core::prelude::*;
use cqrs_sqlite::SqliteStore;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

module!();

#[derive(Id)]
struct OrderId(String);

#[derive(Command)]
struct Place {
    order: OrderId,
    address: String,
    express: bool,
    cents: i64,
}

#[derive(Command)]
struct Discount {
    order: OrderId,
    cents: i64,
}

#[derive(Command)]
struct Pay {
    order: OrderId,
}

#[derive(Command)]
struct Cancel {
    order: OrderId,
}

#[derive(Event)]
enum OrderEvent {
    Placed { address: String, express: bool, cents: i64 },
    Discounted { cents: i64 },
    Paid,
    Cancelled,
}

#[derive(Rejection, Debug)]
enum OrderError {
    /// The order was placed before.
    Placed,
    /// There is no such order, or nothing to be done about it any more.
    NotOpen,
}

#[derive(Aggregate, Default)]
#[aggregate(id = OrderId, event = OrderEvent, error = OrderError)]
struct Order {
    placed: bool,
    open: bool,
}

#[command_handlers]
impl Order {
    fn place(&self, cmd: &Place) -> Result<OrderEvent, OrderError> {
        ensure!(!self.placed, OrderError::Placed);
        let (address, express, cents) = (cmd.address.clone(), cmd.express, cmd.cents);
        Ok(OrderEvent::Placed { address, express, cents })
    }

    fn discount(&self, cmd: &Discount) -> Result<OrderEvent, OrderError> {
        ensure!(self.open, OrderError::NotOpen);
        Ok(OrderEvent::Discounted { cents: cmd.cents })
    }

    fn pay(&self, _: &Pay) -> Result<OrderEvent, OrderError> {
        ensure!(self.open, OrderError::NotOpen);
        Ok(OrderEvent::Paid)
    }

    fn cancel(&self, _: &Cancel) -> Result<OrderEvent, OrderError> {
        ensure!(self.open, OrderError::NotOpen);
        Ok(OrderEvent::Cancelled)
    }
}

#[apply]
impl Apply for Order {
    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { .. } => *self = Self { placed: true, open: true },
            OrderEvent::Discounted { .. } => {}
            OrderEvent::Paid | OrderEvent::Cancelled => self.open = false,
        }
    }
}

/// What others may know of an event. Each new one has to be decided on here.
fn public(event: &OrderEvent) -> Option<PurchaseEvent> {
    match event {
        OrderEvent::Placed { address, express, cents: _ } => {
            Some(PurchaseEvent::Placed { address: address.clone(), express: *express })
        }
        OrderEvent::Discounted { cents: _ } => None,
        OrderEvent::Paid => Some(PurchaseEvent::Paid),
        OrderEvent::Cancelled => Some(PurchaseEvent::Cancelled),
    }
}

/// Sends it. It is done with an event when shipping has recorded it; until then
/// it stands still there and tries again, so that those of an order arrive in
/// their order.
#[event_handler(name = "publish", on_failure = "stop", concurrency = 8, timeout = "5s")]
async fn publish(
    event: &Recorded<OrderEvent>,
    shipping: Dep<Shipping>,
) -> Result<(), HandlerError> {
    let Some(purchase) = public(event.data()) else { return Ok(()) };
    shipping.send(&IntegrationEvent::new("ordering", event, &purchase)?).await
}

/// The address of the other service.
struct Shipping(String);

impl Shipping {
    /// Sends a line of JSON, and waits for one that begins with `ok`.
    async fn send(&self, event: &IntegrationEvent) -> Result<(), HandlerError> {
        let mut stream = BufReader::new(TcpStream::connect(&self.0).await?);
        let line = serde_json::to_string(event)? + "\n";
        stream.write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        if answer.starts_with("ok") { Ok(()) } else { Err(HandlerError::transient(answer)) }
    }
}

#[tokio::main]
async fn main() -> Result<(), console::AnyError> {
    let [database, shipping] = console::arguments("ordering DATABASE SHIPPING")?;
    let app = App::builder()
        .modules(modules![crate])
        .store(SqliteStore::open(database).await?)
        .provide(Arc::new(Shipping(shipping)))
        .build()?;
    console::serve(&app).await
}
