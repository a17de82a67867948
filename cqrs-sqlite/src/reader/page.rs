//! From rows to a page of events.

use std::collections::HashSet;

use cqrs_core::message::{CausationId, CorrelationId, EventId, Timestamp};
use cqrs_core::store::{
    Direction, Page, PageBuilder, PageEvent, Position, ReadRequest, Source, StreamInPage,
    StreamVersion, Tags,
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

/// The rows that a request wants, on their way into a page.
pub(super) struct Collector<'s> {
    connection: &'s Connection,
    names: &'s mut Names,
    request: &'s ReadRequest,
    /// The categories that the source takes, `None` for all.
    categories: Option<HashSet<i64>>,
    /// The place of the one stream that the source is.
    stream: Option<StreamInPage>,
    page: PageBuilder,
    /// The place of the event that was taken last.
    reached: u64,
    full: bool,
}

impl<'s> Collector<'s> {
    pub(super) fn new(
        connection: &'s Connection,
        names: &'s mut Names,
        request: &'s ReadRequest,
        categories: Option<HashSet<i64>>,
    ) -> Self {
        names.begin_page();
        let mut page = PageBuilder::new();
        let stream = match request.source() {
            Source::Stream(stream) => Some(page.stream(stream.clone())),
            _ => None,
        };
        let (reached, full) = (0, false);
        Self { connection, names, request, categories, stream, page, reached, full }
    }

    /// Makes room for so many events.
    pub(super) fn expect(&mut self, events: i64) {
        let room = events.clamp(0, MOST_ROOM) as usize;
        self.page.reserve(room.min(self.request.page_limit()), 0);
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
        self.full = self.page.len() >= self.request.page_limit() || self.page.bytes() >= PAGE_BYTES;
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
        let (kind, in_page) =
            self.names.kind_in_page(self.connection, header.kind, &mut self.page)?;
        if !request.query().matches(kind.event_type.as_str(), &tags) {
            return Ok(());
        }
        let stream = match self.stream {
            Some(stream) => stream,
            None => self.names.stream_in_page(self.connection, header.stream, &mut self.page)?,
        };
        let (position, version) = (integer(row, 0)? as u64, header.version as u64);
        self.reached = if self.stream.is_some() { version } else { position };
        self.page.push(PageEvent {
            id: EventId::from_uuid(header.id),
            kind: in_page,
            stream,
            position: Position::new(position),
            version: StreamVersion::new(version),
            correlation_id: correlation,
            causation_id: header.causation.map(CausationId::from_uuid),
            occurred_at: Timestamp::from_micros(header.occurred_at),
            recorded_at,
            tags,
            details: row.get_ref(3)?.as_blob_or_null()?.unwrap_or_default(),
            payload: row.get_ref(4)?.as_blob()?,
        });
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
        if self.full {
            let reached = self.reached;
            return self.page.finish(reached, reached == end);
        }
        self.page.finish(end, true)
    }
}

fn integer(row: &Row<'_>, column: usize) -> Outcome<i64> {
    Ok(row.get_ref(column)?.as_i64()?)
}
