//! Waiting for an event.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::life::first;
use super::{BusEvent, EventBus, Handler, Interest, Subscriber, Subscription};
use crate::runtime::Clock;

/// The next event that somebody is interested in. It listens from the moment
/// that it is made, so that the event may come before anybody waits.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::event_bus::{Awaited, EventBus, Interest, SyncBus};
/// # use cqrs_core::prelude::*;
/// # #[derive(Event)]
/// # enum OrderEvent { Paid }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(async {
/// let bus = SyncBus::builder().build();
/// let paid = Awaited::on(&bus, Interest::of::<OrderEvent>(), |event| event.key() == "order 17");
/// bus.publish(bus.event("order 17", OrderEvent::Paid)).await?;
/// let event = paid.within(Duration::from_secs(1)).await?;
/// assert_eq!(event.event_type(), "order.paid");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the event is handed to who waits"]
pub struct Awaited {
    seen: oneshot::Receiver<BusEvent>,
    subscription: Subscription,
    clock: Arc<dyn Clock>,
}

/// The event did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such event within {limit:?}")]
#[non_exhaustive]
pub struct NotSeen {
    /// How long it was waited for.
    pub limit: Duration,
}

impl Awaited {
    /// Listens for the first event that is of interest and for which a
    /// function says yes.
    pub fn on(
        bus: &dyn EventBus,
        interest: Interest,
        is_it: impl Fn(&BusEvent) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (tell, seen) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let handler = Handler::new(move |event| {
            if is_it(event)
                && let Some(tell) = tell.lock().expect("nothing panics under the lock").take()
            {
                // Whoever waited may have gone.
                let _ = tell.send(event.clone());
            }
            Ok(())
        });
        let subscription = bus.subscribe(Subscriber::new("awaited", interest, handler));
        Self { seen, subscription, clock: Arc::clone(&bus.services().clock) }
    }

    /// Returns the event once it has come.
    ///
    /// # Errors
    ///
    /// [`NotSeen`] when the time is over first.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it listens no more.
    pub async fn within(mut self, limit: Duration) -> Result<BusEvent, NotSeen> {
        let mut event = None;
        let seen = async { event = (&mut self.seen).await.ok() };
        first(seen, self.clock.sleep(limit)).await;
        event.ok_or(NotSeen { limit })
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.subscription.unsubscribe();
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Awaited({:?})", self.subscription)
    }
}
