//! From rows to a page of events.

use std::collections::HashSet;

use cqrs_core::message::{CausationId, CorrelationId, EventId, Timestamp};
use cqrs_core::store::{
    Direction, Page, PageBuilder, PageEvent, PagePool, Position, ReadRequest, Source, StreamInPage,
    StreamVersion, Tags,
};
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
    event_bytes: &'s mut usize,
    request: &'s ReadRequest,
    /// The categories that the source takes, `None` for all.
    categories: Option<HashSet<i64>>,
    /// Whether the query asks for tags.
    by_tags: bool,
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
        (pool, event_bytes): (&PagePool, &'s mut usize),
        request: &'s ReadRequest,
        categories: Option<HashSet<i64>>,
    ) -> Self {
        names.begin_page();
        let mut page = PageBuilder::from_pool(pool);
        let stream = match request.source() {
            Source::Stream(stream) => Some(page.stream(stream.clone())),
            _ => None,
        };
        let by_tags = request.query().items().iter().any(|item| !item.tags().is_empty());
        Self {
            connection,
            names,
            event_bytes,
            request,
            categories,
            by_tags,
            stream,
            page,
            reached: 0,
            full: false,
        }
    }

    /// Makes room for so many more events, as far as the page takes them.
    pub(super) fn expect(&mut self, events: i64) {
        let room = events.clamp(0, MOST_ROOM) as usize;
        let room = room.min(self.request.page_limit() - self.page.len());
        let bytes = (room * *self.event_bytes).min(PAGE_BYTES);
        self.page.reserve(room, bytes + bytes / 16);
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes a row of the columns that the files `range_*` and `stream_*`
    /// select, if the request wants it.
    #[inline]
    pub(super) fn offer(&mut self, row: &Row<'_>) -> Outcome<()> {
        let position = row.get_ref(0)?.as_i64()?;
        self.add(row, position).map_err(|fault| match fault {
            Fault::Damaged(what) => Fault::Damaged(format!("event at position {position}: {what}")),
            other => other,
        })?;
        self.full = self.page.len() >= self.request.page_limit() || self.page.bytes() >= PAGE_BYTES;
        Ok(())
    }

    #[inline]
    fn add(&mut self, row: &Row<'_>, position: i64) -> Outcome<()> {
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
        let correlation_id = CorrelationId::from_uuid(header.correlation);
        if request.correlation().is_some_and(|one| one != correlation_id) {
            return Ok(());
        }
        let (query, connection) = (request.query(), self.connection);
        let (kind, in_page) =
            self.names.kind_in_page(connection, header.kind, &mut self.page, query)?;
        if !in_page.wanted && !self.by_tags {
            return Ok(());
        }
        let tags = match header.has_tags {
            true => Tags::from_lines(row.get_ref(2)?.as_str()?),
            false => Tags::NONE,
        };
        if !in_page.wanted && !query.matches(kind.event_type.as_str(), &tags) {
            return Ok(());
        }
        let (position, version) = (position as u64, header.version as u64);
        let stream = match self.stream {
            Some(stream) => {
                self.reached = version;
                stream
            }
            None => {
                self.reached = position;
                self.names.stream_in_page(connection, header.stream, &mut self.page)?
            }
        };
        let content = row.get_ref(3)?.as_blob()?.split_at_checked(header.details);
        let (details, payload) =
            content.ok_or_else(|| Fault::damaged("its content is shorter than its details"))?;
        self.page.push(PageEvent {
            id: EventId::from_uuid(header.id),
            kind: in_page.place,
            stream,
            position: Position::new(position),
            version: StreamVersion::new(version),
            correlation_id,
            causation_id: header.causation.map(CausationId::from_uuid),
            occurred_at: Timestamp::from_micros(header.occurred_at),
            recorded_at,
            tags,
            details,
            payload,
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
        if !self.page.is_empty() {
            *self.event_bytes = self.page.bytes() / self.page.len();
        }
        if self.full {
            let reached = self.reached;
            return self.page.finish(reached, reached == end);
        }
        self.page.finish(end, true)
    }
}
