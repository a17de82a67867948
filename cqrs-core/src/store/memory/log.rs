//! The events, the streams over them, and the operations that wrote them.

use std::collections::HashMap;

use bytes::Bytes;

use crate::message::{OperationId, Timestamp};
use crate::store::{
    Commit, CommitError, CommitToken, Direction, LogId, Page, Position, ReadError, ReadRequest,
    RecordedEvent, Source, StreamId, StreamVersion, UnitOfWork,
};

pub(super) struct Log {
    id: LogId,
    events: Vec<RecordedEvent>,
    /// Positions of each stream's events, in order.
    streams: HashMap<StreamId, Vec<u64>>,
    operations: HashMap<OperationId, Record>,
    last_recorded: Timestamp,
}

struct Record {
    fingerprint: u128,
    /// Index of the first event and number of events.
    events: (usize, usize),
    recorded_at: Timestamp,
    reply: Bytes,
}

impl Log {
    pub(super) fn new(id: LogId) -> Self {
        Self {
            id,
            events: Vec::new(),
            streams: HashMap::new(),
            operations: HashMap::new(),
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
        StreamVersion::new(self.streams.get(stream).map_or(0, |events| events.len() as u64))
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
        let record = self.operations.get(&operation)?;
        let (first, count) = record.events;
        let mut streams: Vec<(StreamId, StreamVersion)> = Vec::new();
        for event in &self.events[first..first + count] {
            match streams.iter_mut().find(|(stream, _)| stream == event.stream()) {
                Some((_, version)) => *version = event.version(),
                None => streams.push((event.stream().clone(), event.version())),
            }
        }
        let token = CommitToken::new(self.id, (first + count) as u64);
        let commit = Commit::new(operation, streams, token, record.recorded_at);
        Some(commit.with_record(record.fingerprint, record.reply.clone()))
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
            let unread = self.events.iter().skip(read_to.get() as usize);
            let hit = unread
                .into_iter()
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
        let record =
            (!empty || !operation.is_fresh()).then(|| (work.fingerprint(), work.reply().clone()));
        let mut streams = Vec::with_capacity(work.streams().len());
        for (stream, events) in work.into_streams() {
            if events.is_empty() {
                continue;
            }
            let positions = self.streams.entry(stream.clone()).or_default();
            for event in events {
                let position = Position::new(self.events.len() as u64 + 1);
                positions.push(position.get());
                let version = StreamVersion::new(positions.len() as u64);
                let stream = stream.clone();
                self.events.push(RecordedEvent::new(event, position, stream, version, recorded_at));
            }
            streams.push((stream, StreamVersion::new(positions.len() as u64)));
        }
        if let Some((fingerprint, reply)) = record {
            let events = (first, self.events.len() - first);
            self.operations
                .insert(operation.id(), Record { fingerprint, events, recorded_at, reply });
        }
        if !empty {
            self.last_recorded = recorded_at;
        }
        let token = CommitToken::new(self.id, self.events.len() as u64);
        Commit::new(operation.id(), streams, token, recorded_at)
    }

    pub(super) fn read(&self, request: &ReadRequest) -> Result<Page, ReadError> {
        if let Some(cursor) = request.expected_log().filter(|log| *log != self.id) {
            return Err(ReadError::OtherLog { cursor, log: self.id });
        }
        match request.source() {
            Source::Stream(stream) => {
                let positions = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
                let at = |place: u64| &self.events[positions[place as usize - 1] as usize - 1];
                Ok(page(request, positions.len() as u64, at))
            }
            Source::All { .. } | Source::Category { .. } => {
                let at = |place: u64| &self.events[place as usize - 1];
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
