//! Orders, which are paid for through a provider when they are placed.

use std::time::Duration;

use cqrs_core::prelude::*;
use cqrs_core::runtime::{Clock, SystemClock};

module!();

#[derive(Id)]
pub(crate) struct OrderId(String);

#[derive(Command)]
#[command(breaker = "payments")]
pub(crate) struct PlaceOrder {
    order: OrderId,
    #[check(min = 1)]
    cents: i64,
}

#[derive(Command)]
pub(crate) struct Cancel {
    order: OrderId,
}

#[derive(Query)]
#[query(output = Option<i64>)]
pub(crate) struct Placed {
    order: OrderId,
}

#[derive(Event)]
pub(crate) enum OrderEvent {
    Placed { cents: i64 },
    Cancelled,
}

#[derive(Rejection, Debug)]
pub(crate) enum OrderError {
    /// The order was placed before.
    Placed,
    /// There is no such order.
    NotPlaced,
}

#[derive(Aggregate, Default)]
#[aggregate(id = OrderId, event = OrderEvent, error = OrderError)]
pub(crate) struct Order {
    cents: Option<i64>,
}

#[command_handlers]
impl Order {
    fn cancel(&self, _: &Cancel) -> Result<OrderEvent, OrderError> {
        ensure!(self.cents.is_some(), OrderError::NotPlaced);
        Ok(OrderEvent::Cancelled)
    }
}

#[apply]
impl Apply for Order {
    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { cents } => self.cents = Some(*cents),
            OrderEvent::Cancelled => self.cents = None,
        }
    }
}

/// Stands for a provider of payments, which takes its time.
pub(crate) struct Payments(pub(crate) Duration);

#[command_handler]
async fn place(
    command: &PlaceOrder,
    payments: Dep<Payments>,
    orders: Repository<Order>,
) -> Result<(), CommandError<OrderError>> {
    let mut order = orders.load(&command.order).await?;
    if order.state().cents.is_some() {
        return Err(CommandError::Rejected(OrderError::Placed));
    }
    SystemClock::new().sleep(payments.0).await;
    order.record(OrderEvent::Placed { cents: command.cents });
    orders.save(&mut order).await?;
    Ok(())
}

#[query_handler]
async fn placed(query: &Placed, orders: Repository<Order>) -> Result<Option<i64>, QueryError> {
    Ok(orders.load(&query.order).await?.state().cents)
}

/// Writes an invoice for each order; its place in the log is kept.
#[event_handler(name = "invoices")]
#[expect(clippy::print_stdout, reason = "stands for a printer")]
async fn invoice(event: &Recorded<OrderEvent>) -> Result<(), HandlerError> {
    let order: OrderId = event.aggregate_id()?;
    if let OrderEvent::Placed { cents } = event.data() {
        println!("invoice for {order}: {cents}");
    }
    Ok(())
}
