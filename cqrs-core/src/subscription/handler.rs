//! An event handler as the wiring takes it.

use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;

use super::{Cascade, Delivery, HandlerError, Recovery, Sender};
use crate::app::Bus;
use crate::bus::Context;
use crate::event::{Decoded, Event, Recorded};
use crate::policy::PolicySettings;
use crate::runtime::BoxFuture;
use crate::store::RecordedEvent;

/// What the attribute of an event handler says.
#[derive(Debug)]
pub struct EventHandlerSettings {
    /// Under this name its place in the log is kept.
    pub name: &'static str,
    /// Where it begins when it is new.
    pub start: Start,
    /// It keeps no place: it takes what comes while it runs.
    pub volatile: bool,
    /// How often an event is tried before it is parked.
    pub attempts: Option<u32>,
    /// Parts that processes share among each other.
    pub parts: u32,
    /// What becomes of events whatever the error is.
    pub on_failure: Option<Recovery>,
    /// What it says about policies. Its `concurrency` is how many streams are
    /// handled at once.
    pub policy: &'static PolicySettings,
}

/// Where an event handler begins when it has no place yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// At the first event of the log.
    Beginning,
    /// Behind the last event that is there when it first runs.
    Now,
}

/// What handles recorded events, of whatever type.
pub(crate) trait EventHandler: Send + Sync {
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        call: &'a EventCall,
    ) -> BoxFuture<'a, Result<(), HandlerError>>;
}

/// One event on its way to a handler: the context of the call, how it is
/// delivered, and what the handler sends on.
#[derive(Debug)]
pub struct EventCall {
    pub(super) ctx: Context,
    pub(super) delivery: Delivery,
    pub(super) handler: &'static str,
    pub(super) event: crate::message::EventId,
    pub(super) bus: Bus,
    pub(super) sent: AtomicU64,
}

impl EventCall {
    /// The context of the call.
    #[must_use]
    pub fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// How the event is delivered.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }
}

/// For derives: sends on what a handler has returned.
#[doc(hidden)]
pub async fn handled<T: Cascade>(
    result: Result<T, HandlerError>,
    call: &EventCall,
) -> Result<(), HandlerError> {
    result?.send(&mut Sender::new(call)).await
}

/// For derives: the error of a handler as the framework sees it.
///
/// # Errors
///
/// That of the handler.
#[doc(hidden)]
pub fn failing<T, E: Fails>(result: Result<T, E>) -> Result<T, HandlerError> {
    result.map_err(Into::into)
}

/// What an event handler may fail with.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an event handler cannot fail with `{Self}`",
    label = "no error",
    note = "use an error that implements `std::error::Error`, such as one with \
            `#[derive(Rejection)]`, or `HandlerError`"
)]
pub trait Fails: Into<HandlerError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<HandlerError>> Fails for E {}

/// A handler of the events of one enum.
pub(crate) struct Typed<E, F>(F, PhantomData<fn() -> E>);

impl<E, F> Typed<E, F> {
    pub(crate) fn new(function: F) -> Self {
        Self(function, PhantomData)
    }
}

impl<E, F> EventHandler for Typed<E, F>
where
    E: Event + Send + Sync,
    F: for<'a> Fn(&'a Recorded<E>, &'a EventCall) -> BoxFuture<'a, Result<(), HandlerError>>
        + Send
        + Sync,
{
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        call: &'a EventCall,
    ) -> BoxFuture<'a, Result<(), HandlerError>> {
        Box::pin(async move {
            match E::decode(event)? {
                Decoded::Skipped => {
                    call.ctx.services().skips.count(event);
                }
                several => {
                    for data in several {
                        let event = Recorded::new(data, event.clone());
                        (self.0)(&event, call).await?;
                    }
                }
            }
            Ok(())
        })
    }
}
