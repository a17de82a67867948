//! From rows to a page of events.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use cqrs_core::message::{CausationId, CorrelationId, EventId, Timestamp};
use cqrs_core::store::{
    Direction, NewEvent, Page, Position, ReadRequest, RecordedEvent, Source, StreamVersion, Tags,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::fault::{Fault, Outcome};
use crate::header::Header;
use crate::names::Names;

/// A page ends early once it holds this many bytes of events.
const PAGE_BYTES: usize = 16 << 20;

/// Events for which room is made ahead.
const MOST_ROOM: i64 = 10_000;

/// The inclusive bounds of a read, as places: versions or positions.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Span {
    /// What a request asks for out of the places 1 to `head`.
    pub(super) fn new(request: &ReadRequest, head: u64) -> Self {
        let low = request.lower().saturating_add(1);
        Self { low, high: request.upper().saturating_sub(1).min(head) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.low > self.high
    }

    pub(super) fn first(self) -> i64 {
        self.low.min(i64::MAX as u64) as i64
    }

    pub(super) fn last(self) -> i64 {
        self.high.min(i64::MAX as u64) as i64
    }
}

pub(super) struct PageBuilder<'s> {
    connection: &'s Connection,
    names: &'s mut Names,
    request: &'s ReadRequest,
    /// The categories that the source takes, `None` for all.
    categories: Option<HashSet<i64>>,
    arena: Arena,
    events: Vec<RecordedEvent>,
    full: bool,
}

impl<'s> PageBuilder<'s> {
    pub(super) fn new(
        connection: &'s Connection,
        names: &'s mut Names,
        request: &'s ReadRequest,
        categories: Option<HashSet<i64>>,
    ) -> Self {
        let events = Vec::new();
        Self { connection, names, request, categories, arena: Arena::new(), events, full: false }
    }

    /// Makes room for so many events.
    pub(super) fn expect(&mut self, events: i64) {
        let room = events.clamp(0, MOST_ROOM) as usize;
        self.events.reserve(room.min(self.request.page_limit() - self.events.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes a row of the columns that the files `range_*` and `stream_*`
    /// select, if the request wants it.
    pub(super) fn offer(&mut self, row: &Row<'_>) -> Outcome<()> {
        let position = integer(row, 0)?;
        self.add(row).map_err(|fault| match fault {
            Fault::Damaged(what) => Fault::Damaged(format!("event at position {position}: {what}")),
            other => other,
        })?;
        self.full = self.events.len() >= self.request.page_limit() || self.arena.kept >= PAGE_BYTES;
        Ok(())
    }

    fn add(&mut self, row: &Row<'_>) -> Outcome<()> {
        let request = self.request;
        let header = Header::decode(row.get_ref(1)?)?;
        if let Some(categories) = &self.categories
            && !categories.contains(&header.category)
        {
            return Ok(());
        }
        let recorded_at = Timestamp::from_micros(header.recorded_at);
        if request.recorded_range().is_some_and(|range| !range.contains(&recorded_at)) {
            return Ok(());
        }
        let correlation = CorrelationId::from_uuid(header.correlation);
        if request.correlation().is_some_and(|one| one != correlation) {
            return Ok(());
        }
        let tags = match row.get_ref(2)? {
            ValueRef::Null => Tags::NONE,
            lines => Tags::from_lines(lines.as_str()?),
        };
        let kind = self.names.kind(self.connection, header.kind)?;
        if !request.query().matches(kind.event_type.as_str(), &tags) {
            return Ok(());
        }
        let details = row.get_ref(3)?.as_blob_or_null()?.unwrap_or_default();
        let (details, payload) = self.arena.keep(details, row.get_ref(4)?.as_blob()?);
        let event = NewEvent::new(
            EventId::from_uuid(header.id),
            kind.event_type.clone(),
            kind.schema_version,
            kind.encoding.clone(),
            payload,
            Timestamp::from_micros(header.occurred_at),
        )
        .caused_by(correlation, header.causation.map(CausationId::from_uuid))
        .with_details(details)
        .with_tags(tags);
        let stream = match request.source() {
            Source::Stream(stream) => stream.clone(),
            _ => self.names.stream(self.connection, header.stream)?.clone(),
        };
        let position = Position::new(integer(row, 0)? as u64);
        let version = StreamVersion::new(header.version as u64);
        self.events.push(RecordedEvent::new(event, position, stream, version, recorded_at));
        Ok(())
    }

    pub(super) fn finish(self, span: Span) -> Page {
        let forward = self.request.direction() == Direction::Forward;
        let lower = self.request.lower();
        let end = match (forward, span.is_empty()) {
            (true, true) => lower,
            (true, false) => span.high,
            (false, _) => lower.saturating_add(1),
        };
        match self.events.last() {
            Some(event) if self.full => {
                let place = match self.request.source() {
                    Source::Stream(_) => event.version().get(),
                    _ => event.position().get(),
                };
                Page::new(self.events, place, place == end)
            }
            _ => Page::new(self.events, end, true),
        }
    }
}

fn integer(row: &Row<'_>, column: usize) -> Outcome<i64> {
    Ok(row.get_ref(column)?.as_i64()?)
}

/// Many small byte strings in few allocations.
struct Arena {
    chunk: BytesMut,
    next: usize,
    kept: usize,
}

impl Arena {
    const FIRST: usize = 4 << 10;
    const LARGEST: usize = 64 << 10;

    fn new() -> Self {
        Self { chunk: BytesMut::new(), next: Self::FIRST, kept: 0 }
    }

    fn keep(&mut self, one: &[u8], other: &[u8]) -> (Bytes, Bytes) {
        let length = one.len() + other.len();
        self.kept += length;
        if self.chunk.capacity() < length {
            self.chunk = BytesMut::with_capacity(self.next.max(length));
            self.next = (self.next * 2).min(Self::LARGEST);
        }
        self.chunk.extend_from_slice(one);
        self.chunk.extend_from_slice(other);
        let mut both = self.chunk.split().freeze();
        (both.split_to(one.len()), both)
    }
}
