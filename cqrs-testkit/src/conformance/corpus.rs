//! A log with a little of everything, and what a reader of it must see: the
//! rules of reading, told once more as a filter over a list.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_core::Timestamp;
use cqrs_core::message::CorrelationId;
use cqrs_core::store::{
    Direction, ExpectedVersion, Position, ReadRequest, RecordedEvent, Source, StreamId,
    StreamVersion,
};

use super::bench::{Bench, NOW, tag, tenants_stream};
use super::{uuid_of, walk};

/// The types in the corpus; one is the beginning of another.
const TYPES: [&str; 4] = ["opened", "opened.twice", "deposited", "Deposited"];

/// The tags of an event, by number.
const TAGS: [&[&str]; 5] = [&[], &["a:1"], &["a:1", "b:1"], &["a:10"], &["b:1", "A:1"]];

pub(super) struct Corpus {
    events: Vec<RecordedEvent>,
}

/// The `n`th moment of the corpus.
pub(super) fn moment(n: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(n))
}

/// The `n`th correlation of the corpus; there are four.
pub(super) fn correlation(n: u128) -> CorrelationId {
    CorrelationId::from_uuid(uuid_of(500 + n % 4))
}

fn nth_stream(n: usize) -> StreamId {
    let tenant = ["", "north", "North"][n % 3];
    let category = ["account", "order", "account"][n / 3 % 3];
    tenants_stream(tenant, category, ["1", "2"][n / 9 % 2])
}

impl Corpus {
    /// Writes 30 units of one or two events, four units a second.
    pub(super) async fn write(bench: &Bench) -> Self {
        let mut corpus = Self { events: Vec::new() };
        let mut versions = HashMap::<StreamId, u64>::new();
        for n in 0..30 {
            let (stream, now) = (nth_stream(n * 7), moment(n as u64 / 4));
            let mut events = Vec::new();
            for part in 0..=(n % 2) {
                let tags = TAGS[(n + part) % TAGS.len()].iter().map(|text| tag(text)).collect();
                let event = bench.event(TYPES[(n / 2 + part) % TYPES.len()]).with_tags(tags);
                let event = event.caused_by(correlation(n as u128), None);
                let version = versions.entry(stream.clone()).or_default();
                *version += 1;
                let (position, version) = (corpus.next(), StreamVersion::new(*version));
                let stream = stream.clone();
                events.push(event.clone());
                corpus.events.push(RecordedEvent::new(event, position, stream, version, now));
            }
            bench.commit(bench.unit_at(now).append(stream, ExpectedVersion::Any, events)).await;
        }
        corpus
    }

    fn next(&self) -> Position {
        Position::new(self.events.len() as u64 + 1)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn streams(&self) -> Vec<StreamId> {
        let mut streams: Vec<_> = self.events.iter().map(|event| event.stream().clone()).collect();
        streams.sort();
        streams.dedup();
        streams
    }

    /// What a reader of all pages of the request must see.
    pub(super) fn expected(&self, request: &ReadRequest) -> Vec<RecordedEvent> {
        let wanted = self.events.iter().filter(|event| is_wanted(request, event)).cloned();
        match request.direction() {
            Direction::Forward => wanted.collect(),
            Direction::Backward => wanted.rev().collect(),
        }
    }

    /// Reads the request with pages of several sizes, both ways.
    pub(super) async fn check(&self, bench: &Bench, request: ReadRequest, what: &str) {
        for request in [request.clone(), request.backward()] {
            let expected = self.expected(&request);
            let n = expected.len();
            for limit in [1, 2, 3, n.saturating_sub(1), n, n + 1, 1_000] {
                let request = request.clone().limit(limit);
                let events = walk::all_pages(bench, &request).await;
                let why = format!("{what}, {:?} by {limit}", request.direction());
                let places =
                    [&events, &expected].map(|one| walk::places(&request, one.iter().cloned()));
                assert_eq!(places[0], places[1], "{why}: other places than expected");
                assert_eq!(events, expected, "{why}: the places are right, the events are not");
            }
        }
    }
}

fn is_wanted(request: &ReadRequest, event: &RecordedEvent) -> bool {
    let (stream, place) = (event.stream(), walk::place(request, event));
    let of_tenant = |tenant: &Option<_>| tenant.as_ref().is_none_or(|one| one == stream.tenant());
    let of_source = match request.source() {
        Source::All { tenant } => of_tenant(tenant),
        Source::Category { tenant, category } => of_tenant(tenant) && category == stream.category(),
        Source::Stream(one) => one == stream,
        _ => panic!("the corpus does not know the source {:?}", request.source()),
    };
    let in_range = |range: &std::ops::Range<_>| range.contains(&event.recorded_at());
    of_source
        && (request.lower() < place && place < request.upper())
        && request.query().matches(event.event_type().as_str(), event.tags())
        && request.correlation().is_none_or(|one| one == event.correlation_id())
        && request.recorded_range().is_none_or(in_range)
}
