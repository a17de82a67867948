//! A bus that tells when it has its first subscriber.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::event_bus::{
    BatchError, BusEvent, ErrorStream, EventBus, Flavour, PublishError, Subscriber, Subscription,
};
use crate::runtime::{BoxFuture, Services};

/// Hands everything on to another bus.
pub(super) struct Listened {
    bus: Arc<dyn EventBus>,
    listeners: Arc<Listeners>,
}

/// Whether anybody has subscribed, and what is to be done then.
pub(super) struct Listeners {
    have_come: AtomicBool,
    begin: Mutex<Option<Begin>>,
}

type Begin = Box<dyn FnOnce() + Send>;

impl Listeners {
    pub(super) fn new(begin: impl FnOnce() + Send + 'static) -> Self {
        let begin: Begin = Box::new(begin);
        Self { have_come: AtomicBool::new(false), begin: Mutex::new(Some(begin)) }
    }

    /// The first has come: what is stored from now on is for it.
    pub(super) fn begin(&self) {
        if self.have_come() {
            return;
        }
        let begin = self.begin.lock().expect("nothing panics under the lock").take();
        if let Some(begin) = begin {
            begin();
            self.have_come.store(true, Ordering::Release);
        }
    }

    #[inline]
    pub(super) fn have_come(&self) -> bool {
        self.have_come.load(Ordering::Acquire)
    }
}

impl Listened {
    pub(super) fn new(bus: Arc<dyn EventBus>, listeners: Arc<Listeners>) -> Self {
        Self { bus, listeners }
    }
}

impl EventBus for Listened {
    fn publish(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        self.bus.publish(event)
    }

    fn publish_and_wait(&self, event: BusEvent) -> BoxFuture<'_, Result<(), PublishError>> {
        self.bus.publish_and_wait(event)
    }

    fn publish_batch(&self, events: Vec<BusEvent>) -> BoxFuture<'_, Result<(), BatchError>> {
        self.bus.publish_batch(events)
    }

    fn subscribe(&self, subscriber: Subscriber) -> Subscription {
        let subscription = self.bus.subscribe(subscriber);
        self.listeners.begin();
        subscription
    }

    fn start(&self) -> Result<(), PublishError> {
        self.bus.start()
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, u64> {
        self.bus.stop(grace)
    }

    fn wait(&self) -> BoxFuture<'_, Result<(), PublishError>> {
        self.bus.wait()
    }

    fn flavour(&self) -> Flavour {
        self.bus.flavour()
    }

    fn is_nested(&self) -> bool {
        self.bus.is_nested()
    }

    fn has_subscribers(&self) -> bool {
        self.bus.has_subscribers()
    }

    fn errors(&self) -> &ErrorStream {
        self.bus.errors()
    }

    fn services(&self) -> &Arc<Services> {
        self.bus.services()
    }
}
