//! What a case works with: a bus, virtual time, and short words.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::event::{DecodeError, Decoded, Event, EventType};
use cqrs_core::event_bus::{
    BusEvent, EventBus, Handler, HandlerResult, Interest, PublishError, Subscriber,
};
use cqrs_core::message::{Codec, CodecError, Encoding, EventId, Json, SchemaVersion};
use cqrs_core::runtime::Services;
use cqrs_core::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};

use super::{Fixture, Wanted};
use crate::clock::ManualClock;

/// Longer than anything that a case lets pass.
pub(super) const LONG: Duration = Duration::from_secs(3600);

pub(super) struct Bench {
    contract: &'static str,
    fixture: Arc<dyn Fixture>,
    pub(super) services: Services,
    pub(super) clock: ManualClock,
}

/// An event with a number, by hand: the suite needs no derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) name: usize,
    pub(super) number: u64,
}

pub(super) const NAMES: [&str; 6] =
    ["order.placed", "order.paid", "order.item.added", "account.opened", "closed", "order.shipped"];

impl Event for Numbered {
    const TYPES: &'static [EventType] = &[
        EventType::new(NAMES[0], 1, file!(), line!()),
        EventType::new(NAMES[1], 1, file!(), line!()),
        EventType::new(NAMES[2], 1, file!(), line!()),
        EventType::new(NAMES[3], 1, file!(), line!()),
        EventType::new(NAMES[4], 1, file!(), line!()),
        EventType::new(NAMES[5], 1, file!(), line!()),
    ];
    type Codec = Json;

    fn event_type(&self) -> &'static EventType {
        &Self::TYPES[self.name]
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        Json::encode(&self.number, out)
    }

    fn decode(record: &RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
        let known = Self::TYPES.iter().position(|one| one.name == record.event_type().as_str());
        let (event_type, version) =
            (record.event_type().as_str().to_owned(), record.schema_version());
        let Some(name) = known else { return Err(DecodeError::UnknownType { event_type }) };
        match Json::decode(record.payload()) {
            Ok(number) => Ok(Decoded::One(Self { name, number })),
            Err(source) => Err(DecodeError::Content { event_type, version, source }),
        }
    }
}

/// Has a name of [`Numbered`] and another Rust type.
pub(super) struct Impostor;

impl Event for Impostor {
    const TYPES: &'static [EventType] = &[EventType::new(NAMES[0], 1, file!(), line!())];
    type Codec = Json;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        Json::encode(&0_u64, out)
    }

    fn decode(record: &RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
        Err(DecodeError::UnknownType { event_type: record.event_type().as_str().to_owned() })
    }
}

/// What handlers have seen, in order. Clones share it.
#[derive(Clone)]
pub(super) struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Seen<T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn add(&self, seen: T) {
        self.0.lock().expect("nothing panics under the lock").push(seen);
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.0.lock().expect("nothing panics under the lock").clone()
    }

    pub(super) fn len(&self) -> usize {
        self.all().len()
    }
}

impl Bench {
    pub(super) fn new(contract: &'static str, fixture: Arc<dyn Fixture>) -> Self {
        let clock = ManualClock::new();
        let mut services = Services::default();
        services.clock = Arc::new(clock.clone());
        Self { contract, fixture, services, clock }
    }

    /// A bus that takes what nobody wants; started.
    pub(super) fn bus(&self) -> Arc<dyn EventBus> {
        self.wanted(false)
    }

    pub(super) fn strict_bus(&self) -> Arc<dyn EventBus> {
        self.wanted(true)
    }

    fn wanted(&self, strict: bool) -> Arc<dyn EventBus> {
        let bus = self.fixture.fresh(Wanted { services: self.services.clone(), strict });
        self.done("a fresh bus must start", bus.start());
        bus
    }

    /// An event of this process, of the first name.
    pub(super) fn event(&self, key: &str, number: u64) -> BusEvent {
        self.named(0, key, number)
    }

    pub(super) fn named(&self, name: usize, key: &str, number: u64) -> BusEvent {
        BusEvent::of(&self.services, key.to_owned(), Numbered { name, number })
    }

    /// The same as a store would give it.
    pub(super) fn stored(&self, key: &str, number: u64) -> BusEvent {
        self.stored_with(key, format!("{number}").into_bytes())
    }

    pub(super) fn stored_with(&self, key: &str, payload: Vec<u8>) -> BusEvent {
        let now = self.services.clock.now();
        let id = EventId::from_uuid(self.services.ids.next(now));
        let event = NewEvent::new(id, NAMES[0], SchemaVersion::FIRST, Encoding::JSON, payload, now);
        let stream = StreamId::new("order", key).expect("the suite's own names are well-formed");
        let (position, version) = (Position::new(1), StreamVersion::new(1));
        RecordedEvent::new(event, position, stream, version, now).into()
    }

    /// What a call returned that must not fail.
    pub(super) fn done<T, E: std::fmt::Display>(&self, what: &str, answer: Result<T, E>) -> T {
        answer.unwrap_or_else(|error| panic!("{}: {what}, but: {error}", self.contract))
    }

    pub(super) fn equal<T: PartialEq + Debug>(&self, what: &str, found: T, expected: T) {
        assert_eq!(found, expected, "{}: {what}", self.contract);
    }

    pub(super) fn holds(&self, what: &str, condition: bool) {
        assert!(condition, "{}: {what}", self.contract);
    }

    /// Publishes what must be taken, and waits until it is handled.
    pub(super) async fn publish(&self, bus: &Arc<dyn EventBus>, event: BusEvent) {
        self.done("an event must be taken", bus.publish(event).await);
        self.done("waiting must end", bus.wait().await);
    }

    pub(super) fn stopped(&self, answer: Result<(), PublishError>) {
        let refused = matches!(answer, Err(PublishError::Stopped));
        assert!(refused, "{}: a stopped bus must say so, not {answer:?}", self.contract);
    }
}

/// A handler of every event that writes its number down.
pub(super) fn writing(seen: &Seen<u64>) -> Handler {
    let seen = seen.clone();
    Handler::of(move |event: &Numbered, _| {
        seen.add(event.number);
        Ok(())
    })
}

pub(super) fn writer(name: &'static str, seen: &Seen<u64>) -> Subscriber {
    Subscriber::new(name, Interest::of::<Numbered>(), writing(seen))
}

/// A handler of the events of the suite that may wait.
pub(super) fn waiting<Rest>(
    name: &'static str,
    handler: impl Fn(BusEvent) -> Rest + Send + Sync + 'static,
) -> Subscriber
where
    Rest: Future<Output = HandlerResult> + Send + 'static,
{
    let handler = Handler::waiting(move |event: &BusEvent| handler(event.clone()));
    Subscriber::new(name, Interest::of::<Numbered>(), handler)
}

/// An event of the first name, for handlers that publish.
pub(super) fn of(services: &Services, key: &'static str, number: u64) -> BusEvent {
    BusEvent::of(services, key, Numbered { name: 0, number })
}

pub(super) fn number(event: &BusEvent) -> u64 {
    event.value::<Numbered>().map_or(u64::MAX, |event| event.number)
}

/// Lets every task run that can.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
