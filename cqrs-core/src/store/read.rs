//! What to read, and what comes back.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Category, EventTypeName, Page, StreamId, Tag};
use crate::message::{CorrelationId, TenantId, Timestamp};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Before the first event.
            pub const NONE: Self = Self(0);
            /// After every event.
            pub const MAX: Self = Self(i64::MAX as u64);

            /// Wraps a number; numbers above [`Self::MAX`] become it.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                if number > Self::MAX.0 { Self::MAX } else { Self(number) }
            }
            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 { self.0 }
            /// The one after it.
            #[must_use]
            pub const fn next(self) -> Self { Self::new(self.0 + 1) }
            /// `count` after it.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self { Self::new(self.0.saturating_add(count)) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )*};
}

counters! {
    /// A place in the log, counted from 1 without gaps.
    Position;
    /// A place in one stream, counted from 1 without gaps.
    StreamVersion;
}

/// Identifies one log, and changes whenever a restore may have rewound it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(u128);

impl LogId {
    /// Wraps a random id.
    #[must_use]
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id.as_u128())
    }

    /// The id.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_uuid(), f)
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which log a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogInfo {
    /// The log's incarnation.
    pub log: LogId,
    /// The position of the newest event.
    pub head: Position,
    /// Whether an acknowledged commit survives the loss of power.
    pub durable: bool,
}

impl LogInfo {
    /// For stores.
    #[must_use]
    pub fn new(log: LogId, head: Position, durable: bool) -> Self {
        Self { log, head, durable }
    }
}

/// A reader's place: everything up to and including `position` of `log` has
/// been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The log's incarnation.
    pub log: LogId,
    /// The last position that has been seen.
    pub position: Position,
}

/// From where to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The whole log, of one tenant or of all.
    All {
        /// The tenant, or all.
        tenant: Option<TenantId>,
    },
    /// All streams of a category, of one tenant or of all.
    Category {
        /// The tenant, or all.
        tenant: Option<TenantId>,
        /// The category.
        category: Category,
    },
    /// One stream.
    Stream(StreamId),
}

/// Oldest or newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// Which events: those that match any of the items; with no item, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    items: Vec<QueryItem>,
}

/// One alternative of a query: an event of one of the types (any, if there
/// are none) that carries all of the tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryItem {
    types: Vec<EventTypeName>,
    tags: Vec<Tag>,
}

impl EventQuery {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Events of any of these types.
    #[must_use]
    pub fn types<T: Into<EventTypeName>>(types: impl IntoIterator<Item = T>) -> Self {
        Self::all().or(QueryItem::types(types))
    }

    /// Events that carry the tag.
    #[must_use]
    pub fn tag(tag: Tag) -> Self {
        Self::all().or(QueryItem::default().tag(tag))
    }

    /// Adds an alternative.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }

    /// The alternatives.
    #[must_use]
    pub fn items(&self) -> &[QueryItem] {
        &self.items
    }

    /// Whether an event with this type and these tags matches.
    pub fn matches(&self, event_type: &str, tags: &super::Tags) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event_type, tags))
    }
}

impl QueryItem {
    /// Events of any of these types.
    #[must_use]
    pub fn types<T: Into<EventTypeName>>(types: impl IntoIterator<Item = T>) -> Self {
        Self { types: types.into_iter().map(Into::into).collect(), tags: Vec::new() }
    }

    /// Adds a tag that the event must carry too.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// The types, none for any.
    #[must_use]
    pub fn event_types(&self) -> &[EventTypeName] {
        &self.types
    }

    /// The tags that must all be there.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn matches(&self, event_type: &str, tags: &super::Tags) -> bool {
        (self.types.is_empty() || self.types.iter().any(|one| one.as_str() == event_type))
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}

/// A request for one page of events.
///
/// Bounds are versions when the source is a stream, and positions otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    source: Source,
    query: EventQuery,
    correlation: Option<CorrelationId>,
    recorded: Option<Range<Timestamp>>,
    direction: Direction,
    after: u64,
    before: u64,
    log: Option<super::LogId>,
    limit: usize,
    ahead: bool,
}

impl ReadRequest {
    /// How many events a page has when nothing is said.
    pub const DEFAULT_LIMIT: usize = 1_000;

    /// Reads from a source, forward, from its beginning.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            query: EventQuery::all(),
            correlation: None,
            recorded: None,
            direction: Direction::Forward,
            after: 0,
            before: u64::MAX,
            log: None,
            limit: Self::DEFAULT_LIMIT,
            ahead: false,
        }
    }

    /// The whole log of all tenants.
    #[must_use]
    pub fn all() -> Self {
        Self::new(Source::All { tenant: None })
    }

    /// All streams of a category of all tenants.
    #[must_use]
    pub fn category(category: impl Into<Category>) -> Self {
        Self::new(Source::Category { tenant: None, category: category.into() })
    }

    /// One stream.
    #[must_use]
    pub fn stream(stream: StreamId) -> Self {
        Self::new(Source::Stream(stream))
    }

    /// Only events that match the query.
    #[must_use]
    pub fn matching(mut self, query: EventQuery) -> Self {
        self.query = query;
        self
    }

    /// Only events of one correlation.
    #[must_use]
    pub fn correlated(mut self, correlation: CorrelationId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Only events recorded at or after the range's start and before its end.
    #[must_use]
    pub fn recorded(mut self, range: Range<Timestamp>) -> Self {
        self.recorded = Some(range);
        self
    }

    /// Newest first.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// Only events after this position (of a stream: version), without it.
    #[must_use]
    pub fn after(mut self, bound: u64) -> Self {
        self.after = bound;
        self
    }

    /// Only events before this position (of a stream: version), without it.
    #[must_use]
    pub fn before(mut self, bound: u64) -> Self {
        self.before = bound;
        self
    }

    /// Resumes after a cursor; for sources in the order of positions, not for
    /// one stream. The store refuses a cursor of another log.
    #[must_use]
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.after = cursor.position.get();
        self.log = Some(cursor.log);
        self
    }

    /// At most this many events in the page, at least 1.
    #[must_use]
    pub fn limit(mut self, events: usize) -> Self {
        self.limit = events.max(1);
        self
    }

    /// Says that the page is asked for ahead: its reader has others to work on
    /// meanwhile, and a store need not take up more threads for it.
    #[must_use]
    pub fn ahead(mut self) -> Self {
        self.ahead = true;
        self
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> &EventQuery {
        &self.query
    }

    /// The correlation.
    #[must_use]
    pub fn correlation(&self) -> Option<CorrelationId> {
        self.correlation
    }

    /// The range of recorded times.
    #[must_use]
    pub fn recorded_range(&self) -> Option<&Range<Timestamp>> {
        self.recorded.as_ref()
    }

    /// The direction.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The exclusive lower bound.
    #[must_use]
    pub fn lower(&self) -> u64 {
        self.after
    }

    /// The exclusive upper bound.
    #[must_use]
    pub fn upper(&self) -> u64 {
        self.before
    }

    /// The log that the reader believes to read.
    #[must_use]
    pub fn expected_log(&self) -> Option<LogId> {
        self.log
    }

    /// The size of the page.
    #[must_use]
    pub fn page_limit(&self) -> usize {
        self.limit
    }

    /// Whether the page is asked for ahead.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.ahead
    }

    /// The request for what follows a page, `None` after the last one.
    #[must_use]
    pub fn following(&self, page: &Page) -> Option<Self> {
        let mut next = self.clone();
        match (page.is_last(), self.direction) {
            (true, _) => return None,
            (false, Direction::Forward) => next.after = page.reached(),
            (false, Direction::Backward) => next.before = page.reached(),
        }
        Some(next)
    }
}
