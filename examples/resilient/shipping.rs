//! Parcels, which a carrier fetches and whose senders get mail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cqrs_core::prelude::*;

use crate::say;

module!();

#[derive(Id)]
pub(crate) struct ParcelId(String);

/// The carrier is tried again when it does not answer, and left alone for a
/// while when that happens too often.
#[derive(Command)]
#[command(role = "clerk", audit, retry = "2", breaker = "carrier")]
pub(crate) struct Ship {
    pub(crate) parcel: ParcelId,
}

#[derive(Query)]
#[query(output = Option<String>, public, cache = "1m", shared)]
pub(crate) struct Track {
    pub(crate) parcel: ParcelId,
}

#[derive(Event)]
pub(crate) enum ParcelEvent {
    Shipped { tracking: String },
}

#[derive(Rejection, Debug)]
pub(crate) enum ParcelError {
    /// The parcel is on its way already.
    Shipped,
}

#[derive(Aggregate, Default)]
#[aggregate(id = ParcelId, event = ParcelEvent, error = ParcelError)]
pub(crate) struct Parcel {
    tracking: Option<String>,
}

#[apply]
impl Apply for Parcel {
    fn apply(&mut self, event: &ParcelEvent) {
        match event {
            ParcelEvent::Shipped { tracking } => self.tracking = Some(tracking.clone()),
        }
    }
}

/// Stands for a carrier's server: fails as often as it is told to.
#[derive(Default)]
pub(crate) struct Carrier {
    pub(crate) failures: AtomicU32,
    booked: AtomicU32,
}

impl Carrier {
    async fn book(&self) -> Result<String, BusError> {
        let left = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            say("  the carrier does not answer");
            return Err(BusError::unavailable("carrier", "it does not answer"));
        }
        Ok(format!("T{}", self.booked.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

#[command_handler]
async fn ship(
    command: &Ship,
    carrier: Dep<Carrier>,
    parcels: Repository<Parcel>,
) -> Result<String, CommandError<ParcelError>> {
    let mut parcel = parcels.load(&command.parcel).await?;
    if parcel.exists() {
        return Err(CommandError::Rejected(ParcelError::Shipped));
    }
    let tracking = carrier.book().await?;
    parcel.record(ParcelEvent::Shipped { tracking: tracking.clone() });
    parcels.save(&mut parcel).await?;
    Ok(tracking)
}

#[query_handler]
async fn track(query: &Track, parcels: Repository<Parcel>) -> Result<Option<String>, QueryError> {
    Ok(parcels.load(&query.parcel).await?.state().tracking.clone())
}

/// Stands for a mail server.
#[derive(Default)]
pub(crate) struct Mails {
    pub(crate) down: AtomicBool,
    pub(crate) sent: Mutex<Vec<String>>,
}

#[event_handler(name = "mails", attempts = 2)]
async fn mail(event: &Recorded<ParcelEvent>, mails: Dep<Mails>) -> Result<(), HandlerError> {
    let parcel: ParcelId = event.aggregate_id()?;
    if mails.down.load(Ordering::SeqCst) {
        say("  the mail server is down");
        return Err(HandlerError::transient("the mail server is down"));
    }
    let ParcelEvent::Shipped { tracking } = event.data();
    let mut sent = mails.sent.lock().expect("nothing panics under the lock");
    sent.push(format!("{parcel} is on its way: {tracking}"));
    Ok(())
}
