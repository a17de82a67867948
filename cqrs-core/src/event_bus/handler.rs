//! What handles events: a function, or a value with a method that may wait.
//!
//! A function that never waits is called where it stands, without a future.
//! Whatever the form, a panic becomes a value here.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{BusEvent, DeliveryError, HandlerResult};
use crate::aggregate::panic_message;
use crate::bus::CatchPanic;
use crate::event::{Decoded, Event};
use crate::runtime::{BoxFuture, Services};
use crate::subscription::HandlerError;

/// Handles events of one type, and may wait meanwhile.
///
/// ```
/// use cqrs_core::event_bus::{BusEvent, Handle, HandlerResult};
/// # use cqrs_core::prelude::*;
/// # #[derive(Event)]
/// # enum OrderEvent { Paid }
/// struct Mailer;
///
/// impl Handle<OrderEvent> for Mailer {
///     async fn handle(&self, event: &OrderEvent, envelope: &BusEvent) -> HandlerResult {
///         Ok(())
///     }
/// }
/// ```
pub trait Handle<E>: Send + Sync + 'static {
    /// Handles an event. What it was published with stands in the envelope.
    ///
    /// # Errors
    ///
    /// Any error; the other subscribers are not disturbed.
    ///
    /// # Cancel safety
    ///
    /// A bus drops the future only when it is stopped and the grace has
    /// passed.
    fn handle(&self, event: &E, envelope: &BusEvent) -> impl Future<Output = HandlerResult> + Send;
}

/// A handler of any form. Cheap to clone: clones share it.
#[derive(Clone)]
pub struct Handler(Arc<dyn Erased>);

trait Erased: Send + Sync {
    /// Handles the event at once; `None` if the handler may wait.
    fn now(&self, services: &Services, event: &BusEvent) -> Option<Result<(), DeliveryError>>;

    fn later<'a>(
        &'a self,
        services: &'a Services,
        event: &'a BusEvent,
    ) -> BoxFuture<'a, Result<(), DeliveryError>>;
}

impl Handler {
    /// A function of every event, which never waits.
    #[must_use]
    pub fn new(handler: impl Fn(&BusEvent) -> HandlerResult + Send + Sync + 'static) -> Self {
        Self(Arc::new(Any(handler)))
    }

    /// A function of every event, whose rest may wait. It clones what the
    /// rest needs.
    #[must_use]
    pub fn waiting<F, Rest>(handler: F) -> Self
    where
        F: Fn(&BusEvent) -> Rest + Send + Sync + 'static,
        Rest: Future<Output = HandlerResult> + Send + 'static,
    {
        Self(Arc::new(AnyWaiting(handler)))
    }

    /// A function of the events of one type, which never waits.
    #[must_use]
    pub fn of<E: Event>(
        handler: impl Fn(&E, &BusEvent) -> HandlerResult + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Typed(handler, PhantomData::<fn(&E)>)))
    }

    /// Anything that handles the events of one type.
    #[must_use]
    pub fn handling<E: Event>(handler: impl Handle<E>) -> Self {
        Self(Arc::new(TypedWaiting(handler, PhantomData::<fn(&E)>)))
    }

    /// For buses: handles an event that never waits, `None` where it may.
    #[inline]
    pub fn now(&self, services: &Services, event: &BusEvent) -> Option<Result<(), DeliveryError>> {
        catch_unwind(AssertUnwindSafe(|| self.0.now(services, event)))
            .unwrap_or_else(|panic| Some(Err(panicked(&*panic))))
    }

    /// For buses: handles an event.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; a panic is one.
    ///
    /// # Cancel safety
    ///
    /// That of the handler.
    pub async fn handle(&self, services: &Services, event: &BusEvent) -> Result<(), DeliveryError> {
        if let Some(handled) = self.now(services, event) {
            return handled;
        }
        let rest = catch_unwind(AssertUnwindSafe(|| self.0.later(services, event)));
        let handled = match rest {
            Ok(rest) => CatchPanic(rest).await,
            Err(panic) => Err(panic),
        };
        handled.unwrap_or_else(|panic| Err(panicked(&*panic)))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

struct Any<F>(F);

impl<F: Fn(&BusEvent) -> HandlerResult + Send + Sync> Erased for Any<F> {
    fn now(&self, _: &Services, event: &BusEvent) -> Option<Result<(), DeliveryError>> {
        Some((self.0)(event).map_err(failed))
    }

    fn later<'a>(
        &'a self,
        services: &'a Services,
        event: &'a BusEvent,
    ) -> BoxFuture<'a, Result<(), DeliveryError>> {
        ended(self.now(services, event))
    }
}

struct AnyWaiting<F>(F);

impl<F, Rest> Erased for AnyWaiting<F>
where
    F: Fn(&BusEvent) -> Rest + Send + Sync,
    Rest: Future<Output = HandlerResult> + Send + 'static,
{
    fn now(&self, _: &Services, _: &BusEvent) -> Option<Result<(), DeliveryError>> {
        None
    }

    fn later<'a>(
        &'a self,
        _: &'a Services,
        event: &'a BusEvent,
    ) -> BoxFuture<'a, Result<(), DeliveryError>> {
        let rest = (self.0)(event);
        Box::pin(async move { rest.await.map_err(failed) })
    }
}

struct Typed<E, F>(F, PhantomData<fn(&E)>);

impl<E: Event, F> Erased for Typed<E, F>
where
    F: Fn(&E, &BusEvent) -> HandlerResult + Send + Sync,
{
    #[inline]
    fn now(&self, services: &Services, event: &BusEvent) -> Option<Result<(), DeliveryError>> {
        let handle = |value: &E| (self.0)(value, event).map_err(failed);
        Some(match event.value::<E>() {
            Some(value) => handle(value),
            None => decode::<E>(services, event)
                .and_then(|events| events.into_iter().try_for_each(|value| handle(&value))),
        })
    }

    fn later<'a>(
        &'a self,
        services: &'a Services,
        event: &'a BusEvent,
    ) -> BoxFuture<'a, Result<(), DeliveryError>> {
        ended(self.now(services, event))
    }
}

struct TypedWaiting<E, H>(H, PhantomData<fn(&E)>);

impl<E: Event, H: Handle<E>> Erased for TypedWaiting<E, H> {
    fn now(&self, _: &Services, _: &BusEvent) -> Option<Result<(), DeliveryError>> {
        None
    }

    fn later<'a>(
        &'a self,
        services: &'a Services,
        event: &'a BusEvent,
    ) -> BoxFuture<'a, Result<(), DeliveryError>> {
        Box::pin(async move {
            if let Some(value) = event.value::<E>() {
                return self.0.handle(value, event).await.map_err(failed);
            }
            for value in decode::<E>(services, event)? {
                self.0.handle(&value, event).await.map_err(failed)?;
            }
            Ok(())
        })
    }
}

/// What a stored event has become for a type; nothing, where that skips it.
fn decode<E: Event>(services: &Services, event: &BusEvent) -> Result<Decoded<E>, DeliveryError> {
    let Some(record) = event.record() else {
        return Err(DeliveryError::OtherType {
            event_type: event.event_type().into(),
            published: event.rust_type(),
            wanted: type_name::<E>(),
        });
    };
    let decoded = E::decode(record)?;
    if matches!(decoded, Decoded::Skipped) {
        services.skips.count(record);
    }
    Ok(decoded)
}

fn ended<'a>(
    handled: Option<Result<(), DeliveryError>>,
) -> BoxFuture<'a, Result<(), DeliveryError>> {
    Box::pin(std::future::ready(handled.unwrap_or(Ok(()))))
}

/// A handler that hands on the error of another one changes nothing about it.
fn failed(error: HandlerError) -> DeliveryError {
    error.downcast().unwrap_or_else(DeliveryError::Failed)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> DeliveryError {
    DeliveryError::Panicked { message: panic_message(panic) }
}
