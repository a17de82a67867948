//! The other service: it sends parcels, and learns from ordering which.
//!
//! `cargo run -p examples --example shipping -- shipping.db 127.0.0.1:4750`
//!
//! The second argument is where it listens.

mod console;
mod contract;

use std::pin::pin;

use console::AnyError;
use contract::PurchaseEvent;
use cqrs_core::event::IntegrationEvent;
use cqrs_core::prelude::*;
use cqrs_sqlite::SqliteStore;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

module!();

#[derive(Id)]
struct ParcelId(String);

#[derive(Command)]
struct Reserve {
    parcel: ParcelId,
    to: String,
    carrier: String,
}

#[derive(Command)]
struct Ship {
    parcel: ParcelId,
}

#[derive(Command)]
struct Release {
    parcel: ParcelId,
}

#[derive(Event)]
enum ParcelEvent {
    Reserved { to: String, carrier: String },
    Shipped,
    Released,
}

#[derive(Rejection, Debug)]
enum ParcelError {
    /// Nothing is reserved.
    NotReserved,
}

#[derive(Aggregate, Default)]
#[aggregate(id = ParcelId, event = ParcelEvent, error = ParcelError)]
struct Parcel {
    reserved: bool,
}

/// No decision asks whether it was made before: that a message takes effect
/// once is no rule of this domain, but of the way to it.
#[command_handlers]
impl Parcel {
    fn reserve(&self, cmd: &Reserve) -> ParcelEvent {
        ParcelEvent::Reserved { to: cmd.to.clone(), carrier: cmd.carrier.clone() }
    }

    fn ship(&self, _: &Ship) -> Result<ParcelEvent, ParcelError> {
        ensure!(self.reserved, ParcelError::NotReserved);
        Ok(ParcelEvent::Shipped)
    }

    fn release(&self, _: &Release) -> Result<ParcelEvent, ParcelError> {
        ensure!(self.reserved, ParcelError::NotReserved);
        Ok(ParcelEvent::Released)
    }
}

#[apply]
impl Apply for Parcel {
    fn apply(&mut self, event: &ParcelEvent) {
        match event {
            ParcelEvent::Reserved { .. } => self.reserved = true,
            ParcelEvent::Shipped => {}
            ParcelEvent::Released => self.reserved = false,
        }
    }
}

/// What an event of the other service means here: the one place that speaks
/// both languages. Its origin says that the command is to take effect once, and
/// which purchase it belongs to.
async fn take_in(app: &App, line: &str) -> Result<String, AnyError> {
    let event: IntegrationEvent = serde_json::from_str(line)?;
    let (parcel, origin) = (ParcelId(event.subject().to_owned()), event.origin());
    let taken = match event.decode()?.one().ok_or("it has become several")? {
        PurchaseEvent::Placed { address: to, express } => {
            let carrier = if express { "courier" } else { "post" }.to_owned();
            app.execute(Reserve { parcel, to, carrier }).from(origin).await
        }
        PurchaseEvent::Paid => app.execute(Ship { parcel }).from(origin).await,
        PurchaseEvent::Cancelled => app.execute(Release { parcel }).from(origin).await,
    };
    let taken = match taken {
        Ok(done) if done.receipt.is_repeated() => "came before",
        Ok(_) => "recorded",
        // An earlier build has made another command of it.
        Err(CommandError::Bus(BusError::OperationReused { .. })) => "came before",
        // The same again would be refused again.
        Err(CommandError::Rejected(_)) => "refused",
        Err(error) => return Err(error.into()),
    };
    Ok(format!("ok: {} of {}: {taken}", event.event_type(), event.subject()))
}

/// Answers a line once what it says is recorded.
async fn answer(app: App, stream: TcpStream) -> Result<(), AnyError> {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    stream.read_line(&mut line).await?;
    let answer = take_in(&app, &line).await.unwrap_or_else(|problem| problem.to_string());
    console::say(&answer);
    Ok(stream.write_all((answer + "\n").as_bytes()).await?)
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let [database, address] = console::arguments("shipping DATABASE ADDRESS")?;
    let app = App::new(modules![crate], SqliteStore::open(database).await?)?;
    let listener = TcpListener::bind(address).await?;
    let mut console = pin!(console::serve(&app));
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            ended = &mut console => return ended,
            Ok((stream, _)) = listener.accept() => drop(answers.spawn(answer(app.clone(), stream))),
            Some(_) = answers.join_next() => {}
        }
    }
}
