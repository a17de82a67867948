//! Events inside one process: who publishes does not know who listens.
//!
//! A bus carries [stored events](BusEvent) and events that are stored nowhere.
//! One trait, [`EventBus`], has two flavours. [`SyncBus`] runs the handlers in
//! the call, one after the other: for tests, and where the caller must know.
//! [`AsyncBus`] queues the event and runs handlers at once, on workers.
//!
//! What both promise:
//!
//! - Handlers are apart: one that fails or panics stops no other, unless the
//!   caller asked a synchronous bus for the first error. What fails is
//!   returned to whom waits, given to the hook, and kept in the
//!   [`ErrorStream`].
//! - Events with one key come to a subscriber in the order in which they were
//!   published.
//! - No lock is held while a handler runs; subscribing, unsubscribing and
//!   publishing may be done anywhere, also by handlers.
//! - What was published is handled, also when the publisher is cancelled
//!   afterwards. A stopped bus leaves no task behind.
//!
//! What they do not promise: an event that was not stored is lost with the
//! process. A projection follows the log and misses nothing.
//!
//! **A handler must not wait for its own bus.** Where it tries, it gets
//! [`PublishError::Nested`]. This is seen by the task that polls the handler:
//! if the handler starts a task, that task publishes and waits, and the
//! handler waits for the task, nobody sees the circle. On a bus whose workers,
//! or whose lane for that key, are all taken by such handlers, they stand still
//! until the bus is stopped and its grace is over. Publish without waiting, or
//! do not wait for the task.
//!
//! An application has a bus of its own, [`App::events`](crate::app::App::events),
//! on which it publishes what it has stored.

mod awaited;
mod batch;
mod builder;
mod crew;
mod error;
mod error_stream;
mod event;
mod handler;
mod lanes;
mod life;
mod queued;
mod subscriber;
mod subscription;
mod synchronous;
mod table;
mod topic;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub use awaited::{Awaited, NotSeen};
pub use batch::{BatchEmitter, BatchOptions, FlushError};
pub use builder::{AsyncBusBuilder, SyncBusBuilder};
pub use error::{BatchError, DeliveryError, Failure, Failures, HandlerResult, PublishError};
pub use error_stream::{ErrorCounts, ErrorStream, Keep};
pub use event::{BusEvent, EventKey};
pub use handler::{Handle, Handler};
pub use queued::AsyncBus;
pub use subscriber::{Delivery, Interest, Order, Subscriber};
pub use subscription::Subscription;
pub use synchronous::SyncBus;
pub use topic::{InvalidTopic, Topic};

pub use crate::config::{Flavour, Overflow};
use crate::runtime::{BoxFuture, Services};
pub use crate::subscription::HandlerError;

/// Carries events from publishers to subscribers.
///
/// ```
/// use cqrs_core::event_bus::{EventBus, SyncBus, Subscriber};
/// use cqrs_core::prelude::*;
///
/// #[derive(Event)]
/// enum OrderEvent {
///     Paid { cents: i64 },
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let bus = SyncBus::builder().build();
/// bus.subscribe(Subscriber::on("books", |OrderEvent::Paid { cents }: &OrderEvent, envelope| {
///     println!("{} at {}: {cents}", envelope.key(), envelope.time());
///     Ok(())
/// }));
/// let event = bus.event("order 17", OrderEvent::Paid { cents: 250 });
/// bus.publish(event).await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventBus: Send + Sync + 'static {
    /// Takes an event. On a synchronous bus the handlers have ended when it
    /// returns, on a bus with queues the event is queued.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. A bus with queues tells of handlers that fail in
    /// [`errors`](Self::errors) alone; a synchronous one returns the first
    /// failure and asks no later subscriber.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the event was taken, nothing has happened; afterwards the
    /// handlers run to their ends.
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Takes an event and returns when all its handlers have ended.
    ///
    /// # Errors
    ///
    /// [`PublishError`]; [`PublishError::Handlers`] has every failure.
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Takes events in order and returns when all their handlers have ended.
    /// An event that fails stops none of the others.
    ///
    /// # Errors
    ///
    /// [`BatchError`] with the place of each event that failed.
    ///
    /// # Cancel safety
    ///
    /// What was taken is handled; events behind it may not have been taken.
    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>>;

    /// Adds a subscriber: it gets what is published from now on.
    fn subscribe(&self, subscriber: Subscriber) -> Subscription;

    /// Begins to handle what is published. A second call does nothing; a bus
    /// that was stopped stays stopped.
    ///
    /// # Errors
    ///
    /// [`PublishError::Stopped`].
    fn start(&self) -> Result<(), PublishError>;

    /// Refuses new events, lets those in flight be handled within a grace, and
    /// gives up the rest; returns how many deliveries that was. They are
    /// reported as failures. A second call returns when nothing runs any more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the bus is closed all the same, and goes on with what it has.
    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64>;

    /// Returns when nothing is in flight.
    ///
    /// # Errors
    ///
    /// [`PublishError::Nested`] inside a handler of this bus, which is in
    /// flight itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    fn wait(&self) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Whether the handlers have ended when [`publish`](Self::publish) returns,
    /// or the event is queued by then.
    fn flavour(&self) -> Flavour {
        Flavour::Async
    }

    /// Whether it is asked by a handler of this bus, in the handler's own task.
    /// A task that the handler has started is not seen.
    fn is_nested(&self) -> bool {
        false
    }

    /// Whether anybody may have subscribed.
    fn has_subscribers(&self) -> bool {
        true
    }

    /// What failed.
    fn errors(&self) -> &ErrorStream;

    /// What ids and times of its events come from.
    fn services(&self) -> &Arc<Services>;
}
