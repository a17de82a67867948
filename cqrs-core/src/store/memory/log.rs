//! The events, the streams over them, and the operations that wrote them.

use std::collections::HashMap;

use bytes::Bytes;

use super::chunks::Chunks;
use super::operations::{Events, More, Operations};
use crate::message::{OperationId, Timestamp};
use crate::store::{
    BuildOwnHash, Commit, CommitError, CommitToken, Direction, Few, LogId, NewEvent, Page,
    Position, ReadError, ReadRequest, RecordedEvent, RecordedOperation, Source, StreamId,
    StreamVersion, UnitOfWork,
};

pub(super) struct Log {
    id: LogId,
    events: Chunks<RecordedEvent>,
    streams: HashMap<StreamId, Stream, BuildOwnHash>,
    operations: Operations,
    last_recorded: Timestamp,
}

struct Stream {
    /// The name that all its events share.
    name: StreamId,
    /// Where its events are, in order.
    positions: Vec<u64>,
}

impl Log {
    pub(super) fn new(id: LogId) -> Self {
        Self {
            id,
            events: Chunks::new(),
            streams: HashMap::default(),
            operations: Operations::new(),
            last_recorded: Timestamp::MIN,
        }
    }

    pub(super) fn id(&self) -> LogId {
        self.id
    }

    pub(super) fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    pub(super) fn version(&self, stream: &StreamId) -> StreamVersion {
        StreamVersion::new(self.streams.get(stream).map_or(0, |one| one.positions.len() as u64))
    }

    /// The outcome that is recorded for the unit's operation.
    pub(super) fn repeated(&self, work: &UnitOfWork) -> Result<Option<Commit>, CommitError> {
        let operation = work.operation();
        if operation.is_fresh() {
            return Ok(None);
        }
        match self.operation(operation.id()) {
            Some(commit) if commit.fingerprint() == work.fingerprint() => {
                Ok(Some(commit.repeated()))
            }
            Some(_) => Err(CommitError::OperationReused { operation: operation.id() }),
            None => Ok(None),
        }
    }

    pub(super) fn operation(&self, operation: OperationId) -> Option<Commit> {
        let (Events { first, count }, more) = self.operations.get(operation)?;
        let events = || self.events.from(first as usize).take(count as usize);
        let mut streams: Vec<(StreamId, StreamVersion)> = Vec::new();
        for event in events() {
            match streams.iter_mut().find(|(stream, _)| stream == event.stream()) {
                Some((_, version)) => *version = event.version(),
                None => streams.push((event.stream().clone(), event.version())),
            }
        }
        let token = CommitToken::new(self.id, first + u64::from(count));
        let commit = |at| Commit::new(operation, streams, token, at);
        Some(match more {
            Some(More { fingerprint, recorded_at, reply }) => {
                commit(*recorded_at).with_record(*fingerprint, reply.clone())
            }
            None => {
                let recorded_at = events().next()?.recorded_at();
                let fingerprint = UnitOfWork::fingerprint_of_append(events());
                commit(recorded_at).with_record(fingerprint, Bytes::new())
            }
        })
    }

    pub(super) fn operations_after(&self, after: Position, limit: usize) -> Vec<RecordedOperation> {
        let ids = self.operations.after(after.get(), limit);
        let records = ids.into_iter().filter_map(|(id, Events { first, count })| {
            let commit = self.operation(id)?;
            let (fingerprint, reply) = (commit.fingerprint(), commit.reply().clone());
            let first = Position::new(first + 1);
            Some(RecordedOperation::new(id, first, u64::from(count), fingerprint, reply))
        });
        records.collect()
    }

    pub(super) fn check(&self, work: &UnitOfWork) -> Result<(), CommitError> {
        if work.is_superseded() {
            return Err(CommitError::Superseded);
        }
        for append in work.streams() {
            let actual = self.version(append.stream());
            if !append.expected().is_met_by(actual) {
                let (stream, expected) = (append.stream().clone(), append.expected());
                return Err(CommitError::Conflict { stream, expected, actual });
            }
        }
        for guard in work.guards() {
            let read_to = guard.after();
            let unread = usize::try_from(read_to.get()).unwrap_or(usize::MAX);
            let hit = self
                .events
                .from(unread.min(self.events.len()))
                .find(|event| guard.query().matches(event.event_type().as_str(), event.tags()));
            if let Some(event) = hit {
                return Err(CommitError::QueryConflict { at: event.position(), read_to });
            }
        }
        Ok(())
    }

    /// Appends what has been checked.
    pub(super) fn append(&mut self, work: UnitOfWork) -> Commit {
        let operation = work.operation();
        let recorded_at = self.last_recorded.max(work.recorded_at());
        let first = self.events.len();
        let empty = work.streams().iter().all(|append| append.events().is_empty());
        let is_recorded = !empty || !operation.is_fresh();
        let more = (is_recorded && !work.is_plain_append()).then(|| {
            let (fingerprint, reply) = (work.fingerprint(), work.reply().clone());
            Box::new(More { fingerprint, recorded_at, reply })
        });
        let mut streams = Few::new();
        work.into_appends().each(|append| {
            let (stream, events) = append.into_parts();
            if !events.is_empty() {
                let version = self.append_to(&stream, events, recorded_at);
                streams.push((stream, version));
            }
        });
        if is_recorded {
            let count = u32::try_from(self.events.len() - first).expect("units are limited");
            let events = Events { first: first as u64, count };
            self.operations.insert(operation.id(), events, more);
        }
        if !empty {
            self.last_recorded = recorded_at;
        }
        let token = CommitToken::new(self.id, self.events.len() as u64);
        Commit::of(operation.id(), streams, token, recorded_at)
    }

    /// The stream's new version.
    fn append_to(
        &mut self,
        stream: &StreamId,
        events: Few<NewEvent>,
        recorded_at: Timestamp,
    ) -> StreamVersion {
        let Stream { name, positions } = match self.streams.get_mut(stream) {
            Some(stream) => stream,
            None => {
                let fresh = || Stream { name: stream.clone(), positions: Vec::new() };
                self.streams.entry(stream.clone()).or_insert_with(fresh)
            }
        };
        events.each(|event| {
            let position = Position::new(self.events.len() as u64 + 1);
            positions.push(position.get());
            let version = StreamVersion::new(positions.len() as u64);
            let name = name.clone();
            self.events.push(RecordedEvent::new(event, position, name, version, recorded_at));
        });
        StreamVersion::new(positions.len() as u64)
    }

    pub(super) fn read(&self, request: &ReadRequest) -> Result<Page, ReadError> {
        if let Some(cursor) = request.expected_log().filter(|log| *log != self.id) {
            return Err(ReadError::OtherLog { cursor, log: self.id });
        }
        match request.source() {
            Source::Stream(stream) => {
                let stream = self.streams.get(stream);
                let positions = stream.map_or(&[][..], |stream| &stream.positions);
                let at = |place: u64| self.events.at(positions[place as usize - 1] as usize - 1);
                Ok(page(request, positions.len() as u64, at))
            }
            Source::All { .. } | Source::Category { .. } => {
                let at = |place: u64| self.events.at(place as usize - 1);
                Ok(page(request, self.events.len() as u64, at))
            }
        }
    }
}

/// Walks the places 1 to `head` within the request's bounds.
fn page<'a>(request: &ReadRequest, head: u64, at: impl Fn(u64) -> &'a RecordedEvent) -> Page {
    let forward = request.direction() == Direction::Forward;
    let low = request.lower().saturating_add(1);
    let high = request.upper().saturating_sub(1).min(head);
    let count = (high + 1).saturating_sub(low);
    let nth = |n: u64| if forward { low + n } else { high - n };
    let mut events = Vec::new();
    for n in 0..count {
        let event = at(nth(n));
        if wanted(request, event) {
            events.push(event.clone());
            if events.len() == request.page_limit() {
                return Page::new(events, nth(n), n + 1 == count);
            }
        }
    }
    let reached = match (forward, count) {
        (true, 0) => request.lower(),
        (true, _) => high,
        (false, _) => request.lower().saturating_add(1),
    };
    Page::new(events, reached, true)
}

fn wanted(request: &ReadRequest, event: &RecordedEvent) -> bool {
    let stream = event.stream();
    let from_source = match request.source() {
        Source::All { tenant } => tenant.as_ref().is_none_or(|one| one == stream.tenant()),
        Source::Category { tenant, category } => {
            tenant.as_ref().is_none_or(|one| one == stream.tenant())
                && category == stream.category()
        }
        Source::Stream(_) => true,
    };
    from_source
        && request.query().matches(event.event_type().as_str(), event.tags())
        && request.correlation().is_none_or(|one| one == event.correlation_id())
        && request.recorded_range().is_none_or(|range| range.contains(&event.recorded_at()))
}
