//! Who wants which events, and how they are to be brought.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{BusEvent, Handle, Handler, HandlerResult, InvalidTopic, Overflow, Topic};
use crate::event::Event;

/// A handler with a name, what it wants, and how it wants it.
///
/// ```
/// use cqrs_core::event_bus::{HandlerError, Subscriber};
/// # use cqrs_core::prelude::*;
/// # #[derive(Event)]
/// # enum OrderEvent { Paid { cents: i64 } }
/// let subscriber = Subscriber::on("books", |event: &OrderEvent, _| {
///     let OrderEvent::Paid { cents } = event;
///     if *cents < 0 { Err(HandlerError::permanent("less than nothing was paid")) } else { Ok(()) }
/// });
/// assert_eq!(&**subscriber.name(), "books");
/// ```
#[derive(Clone)]
#[must_use = "it gets events once a bus has it"]
pub struct Subscriber {
    name: Arc<str>,
    interest: Interest,
    handler: Handler,
    priority: i32,
    delivery: Delivery,
}

/// Which events somebody wants.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    names: BTreeSet<Box<str>>,
    topics: Vec<Topic>,
}

/// How a bus with queues brings events to one subscriber. A synchronous bus
/// takes no notice of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// Which events stay in order.
    pub order: Order,
    /// What may run at once: 4 by default, at least 1.
    pub lanes: usize,
    /// How many events may wait or run, at least 1; by default what the bus
    /// says.
    pub capacity: Option<usize>,
    /// What happens to more than that; by default what the bus says.
    pub overflow: Option<Overflow>,
}

/// Which events of a subscriber are handled one after the other, in the order
/// in which they were published.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Order {
    /// Those with the same stream or key. Keys that share a lane wait for each
    /// other.
    #[default]
    PerKey,
    /// Those to which a function gives the same number, such as one of their
    /// tenant or category.
    PerPartition(Arc<dyn Fn(&BusEvent) -> u64 + Send + Sync>),
    /// All of them: one at a time.
    Total,
}

impl Subscriber {
    /// A handler for what an interest names.
    pub fn new(name: impl Into<Arc<str>>, interest: Interest, handler: Handler) -> Self {
        let (name, delivery) = (name.into(), Delivery::default());
        Self { name, interest, handler, priority: 0, delivery }
    }

    /// A function for all events of a type, which never waits.
    pub fn on<E: Event>(
        name: impl Into<Arc<str>>,
        handler: impl Fn(&E, &BusEvent) -> HandlerResult + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Interest::of::<E>(), Handler::of(handler))
    }

    /// A handler for all events of a type, which may wait.
    pub fn handling<E: Event>(name: impl Into<Arc<str>>, handler: impl Handle<E>) -> Self {
        Self::new(name, Interest::of::<E>(), Handler::handling(handler))
    }

    /// Those with a higher number get an event first; 0 by default, and in the
    /// order of subscription among equals. On a bus with queues it says who is
    /// served first when there are more events than workers.
    pub fn priority(self, priority: i32) -> Self {
        Self { priority, ..self }
    }

    /// Says which events stay in order; by default those with the same key.
    pub fn order(mut self, order: Order) -> Self {
        self.delivery.order = order;
        self
    }

    /// How many events may be handled at once; 4 by default, at least 1.
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.delivery.lanes = lanes.max(1);
        self
    }

    /// How many events may wait or run, at least 1; by default what the bus
    /// says.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.delivery.capacity = Some(capacity);
        self
    }

    /// What happens to more than that; by default what the bus says.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.delivery.overflow = Some(overflow);
        self
    }

    /// Its name, for errors.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// For buses: what it wants.
    #[must_use]
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// For buses: what handles the events.
    #[must_use]
    pub fn handler(&self) -> &Handler {
        &self.handler
    }

    /// For buses: its rank.
    #[must_use]
    pub fn rank(&self) -> i32 {
        self.priority
    }

    /// For buses: how it wants its events.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({:?}, {:?})", self.name, self.interest)
    }
}

impl Interest {
    /// Every event.
    #[must_use]
    pub fn everything() -> Self {
        Self::default().or_topic("**".parse().expect("it is a topic"))
    }

    /// All events of a type, under every name that they are or were stored
    /// under.
    #[must_use]
    pub fn of<E: Event>() -> Self {
        let names = E::TYPES
            .iter()
            .flat_map(|one| std::iter::once(one.name).chain(one.formerly.iter().copied()));
        Self::types(names.chain(E::RETIRED.iter().copied()))
    }

    /// Events by the names of their types.
    #[must_use]
    pub fn types(names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), topics: Vec::new() }
    }

    /// Events whose names fit a pattern, see [`Topic`].
    ///
    /// # Errors
    ///
    /// [`InvalidTopic`] when the text is no pattern.
    pub fn topic(pattern: &str) -> Result<Self, InvalidTopic> {
        Ok(Self::default().or_topic(pattern.parse()?))
    }

    /// Those and the events that fit another pattern.
    #[must_use]
    pub fn or_topic(mut self, topic: Topic) -> Self {
        self.topics.push(topic);
        self
    }

    /// Whether events of a name are wanted.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.names.contains(name) || self.topics.iter().any(|topic| topic.matches(name))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    pub(super) fn has_topics(&self) -> bool {
        !self.topics.is_empty()
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self { order: Order::PerKey, lanes: 4, capacity: None, overflow: None }
    }
}

impl Delivery {
    /// The lane that an event goes to.
    pub(super) fn lane_of(&self, event: &BusEvent) -> usize {
        let hash = match &self.order {
            Order::PerKey => event.order_hash(),
            Order::PerPartition(partition) => crate::message::mix(partition(event)),
            Order::Total => 0,
        };
        // The remainder is less than the number of lanes, which is a usize.
        (hash % self.lanes() as u64) as usize
    }

    pub(super) fn lanes(&self) -> usize {
        if matches!(self.order, Order::Total) { 1 } else { self.lanes.max(1) }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerKey => "PerKey",
            Self::PerPartition(_) => "PerPartition",
            Self::Total => "Total",
        })
    }
}
