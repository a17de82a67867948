//! Units and requests out of a seeded generator.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::store::{
    Category, Commit, CommitError, EventQuery, EventStore, ExpectedVersion, NewEvent, Operation,
    Page, QueryItem, ReadError, ReadRequest, Source, StreamId, Tag, UnitOfWork,
};
use cqrs_core::{CausationId, CorrelationId, EventId, OperationId, TenantId, Timestamp};
use uuid::Uuid;

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

pub fn operation(number: u64) -> OperationId {
    OperationId::from_uuid(Uuid::from_u64_pair(1, number))
}

pub fn stream(category: &'static str, key: u64) -> StreamId {
    StreamId::new(category, key.to_string()).expect("the name is valid")
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub fn event(dice: &mut Dice, payload: &str) -> NewEvent {
    let id = EventId::from_uuid(dice.uuid());
    NewEvent::new(
        id,
        "tested",
        SchemaVersion::FIRST,
        Encoding::JSON,
        payload.as_bytes().to_vec(),
        at(0),
    )
}

/// A unit that appends one event wherever the stream is.
pub fn unit(dice: &mut Dice, stream: StreamId, payload: &str) -> UnitOfWork {
    let id = OperationId::from_uuid(dice.uuid());
    UnitOfWork::new(Operation::fresh(id), at(1)).append(
        stream,
        ExpectedVersion::Any,
        vec![event(dice, payload)],
    )
}

/// Everything in the log, read in pages.
pub async fn all(store: &impl EventStore) -> Vec<cqrs_core::store::RecordedEvent> {
    let mut next = Some(ReadRequest::all());
    let mut events = Vec::new();
    while let Some(request) = next {
        let page = store.read(request.clone()).await.expect("the log can be read");
        next = request.following(&page);
        events.extend(page.into_events());
    }
    events
}

const CATEGORIES: [&str; 3] = ["account", "order", "café"];
const TYPES: [&str; 5] = ["opened", "deposited", "withdrawn", "closed", "möved"];

/// Random units and requests over a few streams, tenants, types and tags.
pub struct World {
    pub dice: Dice,
    clock: i64,
    correlations: Vec<CorrelationId>,
    operations: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let correlations = (0..8).map(|_| CorrelationId::from_uuid(dice.uuid())).collect();
        Self { dice, clock: 0, correlations, operations: 0 }
    }

    fn tenant(&mut self) -> TenantId {
        match self.dice.below(3) {
            0 => TenantId::default(),
            1 => TenantId::new("north"),
            _ => TenantId::new("south"),
        }
    }

    fn category(&mut self) -> Category {
        CATEGORIES[self.dice.below(3) as usize].into()
    }

    pub fn stream(&mut self) -> StreamId {
        let (tenant, category) = (self.tenant(), self.category());
        StreamId::of_tenant(tenant, category, format!("k{}", self.dice.below(6)))
            .expect("the name is valid")
    }

    fn tag(&mut self) -> Tag {
        let name = if self.dice.one_in(2) { "course" } else { "student" };
        Tag::new(name, self.dice.below(5)).expect("the tag is valid")
    }

    fn event(&mut self) -> NewEvent {
        let payload: Vec<u8> = (0..self.dice.below(40)).map(|_| self.dice.next() as u8).collect();
        let version = 1 + self.dice.below(2) as u32;
        let encoding = if self.dice.one_in(5) { Encoding::MESSAGE_PACK } else { Encoding::JSON };
        let id = EventId::from_uuid(self.dice.uuid());
        let name = TYPES[self.dice.below(5) as usize];
        let occurred = at(self.dice.below(1000) as i64 - 500);
        let mut event =
            NewEvent::new(id, name, SchemaVersion::new(version), encoding, payload, occurred);
        if self.dice.one_in(2) {
            let correlation = self.correlations[self.dice.below(8) as usize];
            let cause = self.dice.one_in(2).then(|| CausationId::from_uuid(self.dice.uuid()));
            event = event.caused_by(correlation, cause);
        }
        if self.dice.one_in(3) {
            event = event.with_details(vec![7; self.dice.below(9) as usize]);
        }
        let tags = self.dice.below(4);
        event.with_tags((0..tags).map(|_| self.tag()).collect())
    }

    pub fn unit(&mut self, head: u64) -> UnitOfWork {
        self.operations += 1;
        let operation = if self.dice.one_in(3) {
            Operation::given(operation(self.dice.below(self.operations)))
        } else {
            Operation::fresh(OperationId::from_uuid(self.dice.uuid()))
        };
        self.clock += self.dice.below(5) as i64 - 1;
        let mut unit = UnitOfWork::new(operation, at(self.clock));
        let mut used: Vec<StreamId> = Vec::new();
        for _ in 0..self.dice.below(4) {
            let stream = self.stream();
            if used.contains(&stream) {
                continue;
            }
            used.push(stream.clone());
            let expected = match self.dice.below(8) {
                0 => ExpectedVersion::NoStream,
                1 => ExpectedVersion::Exists,
                2 => {
                    ExpectedVersion::Exact(cqrs_core::store::StreamVersion::new(self.dice.below(4)))
                }
                _ => ExpectedVersion::Any,
            };
            let events = (0..self.dice.below(6)).map(|_| self.event()).collect();
            unit = unit.append(stream, expected, events);
        }
        if self.dice.one_in(4) {
            let after = cqrs_core::store::Position::new(head.saturating_sub(self.dice.below(12)));
            unit = unit.unless_matched(self.query(), after);
        }
        if self.dice.one_in(5) {
            unit = unit.with_reply(vec![3; self.dice.below(20) as usize].into());
        }
        unit
    }

    fn query(&mut self) -> EventQuery {
        let mut query = EventQuery::all();
        for _ in 0..self.dice.below(3) {
            let mut item = QueryItem::default();
            let types = self.dice.below(3);
            if types > 0 {
                item = QueryItem::types(
                    (0..types).map(|_| TYPES[self.dice.below(5) as usize]).collect::<Vec<_>>(),
                );
            }
            for _ in 0..self.dice.below(3) {
                item = item.tag(self.tag());
            }
            query = query.or(item);
        }
        query
    }

    pub fn request(&mut self, head: u64) -> ReadRequest {
        let tenant = self.dice.one_in(2).then(|| self.tenant());
        let source = match self.dice.below(4) {
            0 => Source::All { tenant },
            1 => Source::Category { tenant, category: self.category() },
            2 => Source::All { tenant: None },
            _ => Source::Stream(self.stream()),
        };
        let mut request = ReadRequest::new(source);
        if self.dice.one_in(2) {
            request = request.matching(self.query());
        }
        if self.dice.one_in(4) {
            request = request.correlated(self.correlations[self.dice.below(8) as usize]);
        }
        if self.dice.one_in(4) {
            let from = self.dice.below(self.clock.max(1) as u64 + 5) as i64;
            request = request.recorded(at(from)..at(from + self.dice.below(90) as i64));
        }
        if self.dice.one_in(2) {
            request = request.backward();
        }
        if self.dice.one_in(2) {
            request = request.after(self.dice.below(head + 3));
        }
        if self.dice.one_in(3) {
            request = request.before(self.dice.below(head + 4));
        }
        if self.dice.one_in(2) {
            request = request.limit(1 + self.dice.below(12) as usize);
        }
        request
    }
}

/// What two stores must agree on when they commit the same unit. They are
/// different logs, so tokens agree in their mark alone.
pub fn verdict(outcome: &Result<Commit, CommitError>) -> String {
    match outcome {
        Ok(commit) => format!(
            "{:?} {:?} {} {} {} {:?} {}",
            commit.operation(),
            commit.streams(),
            commit.token().mark(),
            commit.recorded_at(),
            commit.fingerprint(),
            commit.reply(),
            commit.is_repeated()
        ),
        Err(error) => format!("{error:?}"),
    }
}

/// A page, byte for byte.
pub fn content(page: &Result<Page, ReadError>) -> String {
    let page = page.as_ref().expect("the page can be read");
    let events: Vec<String> = page
        .events()
        .map(|event| {
            format!(
                "{event:?} {} {:?} {:?} {} {} {} {:?} {:?} {:?}",
                event.id(),
                event.encoding(),
                event.payload(),
                event.occurred_at(),
                event.recorded_at(),
                event.correlation_id(),
                event.causation_id(),
                event.details(),
                event.tags()
            )
        })
        .collect();
    format!("to {} last {} {events:#?}", page.reached(), page.is_last())
}

/// Positions and the versions of every stream count from 1 without gaps, and
/// the recorded time never goes back.
#[track_caller]
pub fn assert_contiguous(events: &[cqrs_core::store::RecordedEvent], count: usize) {
    assert_eq!(events.len(), count);
    let mut versions = std::collections::HashMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position().get(), index as u64 + 1);
        let version = versions.entry(event.stream().clone()).or_insert(0);
        *version += 1;
        assert_eq!(event.version().get(), *version, "{}", event.stream());
    }
    assert!(events.is_sorted_by_key(|event| event.recorded_at()));
}
