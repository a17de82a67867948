//! Units that can be told apart, and what must be true of the log that they
//! were written to, whatever happened meanwhile.

use std::collections::{BTreeMap, HashMap, HashSet};

use cqrs_core::message::{Encoding, EventId, OperationId, SchemaVersion};
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, ExpectedVersion, NewEvent, Operation, ReadRequest, RecordedEvent, Store, StreamId,
    UnitOfWork,
};
use uuid::Uuid;

/// Streams over which units are spread.
const STREAMS: u64 = 7;
/// Events of a unit: one to three.
const MOST: u64 = 3;

/// The operation of the unit with a number.
#[must_use]
pub fn operation(number: u64) -> OperationId {
    OperationId::from_uuid(Uuid::from_u64_pair(0x7000, number))
}

/// How many events the unit with a number has.
#[must_use]
pub fn events(number: u64) -> u64 {
    number % MOST + 1
}

/// The unit with a number, as one that was tried before.
///
/// # Panics
///
/// Never: its names are well-formed.
pub fn again(number: u64) -> UnitOfWork {
    work(number, Operation::given(operation(number)))
}

/// The unit with a number. Its events say whose they are.
///
/// # Panics
///
/// Never: its names are well-formed.
pub fn unit(number: u64) -> UnitOfWork {
    work(number, Operation::fresh(operation(number)))
}

fn work(number: u64, operation: Operation) -> UnitOfWork {
    let stream = StreamId::new("ledger", (number % STREAMS).to_string()).expect("it is a name");
    let events = (0..events(number)).map(|part| {
        let id = EventId::from_uuid(Uuid::from_u64_pair(number, part));
        let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
        let payload = format!("{{\"unit\":{number},\"part\":{part}}}");
        NewEvent::new(id, "ledger.noted", version, json, payload, Timestamp::EPOCH)
    });
    let work = UnitOfWork::new(operation, Timestamp::EPOCH);
    work.append(stream, ExpectedVersion::Any, events.collect())
}

/// Everything in a log, in order.
///
/// # Panics
///
/// When it cannot be read.
pub async fn all(store: &Store) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut request = Some(ReadRequest::all().limit(2_000));
    while let Some(next) = request {
        let page = store.read(next.clone()).await.expect("the log can be read");
        request = next.following(&page);
        events.extend(page.into_events());
    }
    events
}

/// That everything acknowledged is there, positions and versions are
/// contiguous, no unit is there twice or in part, and every unit that was
/// tried is resolved as what it is. Gives the number of units.
///
/// # Panics
///
/// When one of it does not hold.
pub async fn check(store: &Store, tried: &HashSet<u64>, acknowledged: &HashSet<u64>) -> usize {
    let events = all(store).await;
    let mut versions: HashMap<StreamId, u64> = HashMap::new();
    let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position().get(), position, "positions are contiguous");
        let version = versions.entry(event.stream().clone()).or_default();
        *version += 1;
        assert_eq!(event.version().get(), *version, "versions of {} count", event.stream());
        let (unit, part) = event.id().as_uuid().as_u64_pair();
        assert_eq!(
            *parts.entry(unit).or_default(),
            part,
            "unit {unit} stands there once, in order"
        );
        parts.insert(unit, part + 1);
    }
    for (unit, found) in &parts {
        assert_eq!(*found, self::events(*unit), "unit {unit} is there as a whole");
    }
    for unit in acknowledged {
        assert!(parts.contains_key(unit), "unit {unit} was acknowledged and is lost");
    }
    for unit in tried {
        let resolved = store.resolve(operation(*unit)).await.expect("it resolves");
        assert_eq!(resolved.is_some(), parts.contains_key(unit), "unit {unit} resolves");
    }
    parts.len()
}
