//! A page of events, and how a store makes one.
//!
//! The events of a page lie together: all their bytes in one buffer, all that
//! has a fixed size in one list, names once a page. A page is made by one
//! thread and used by another, so that an allocation or a shared name of its
//! own for each event would cost both of them more than the event itself.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{EventTypeName, Position, RecordedEvent, StreamId, StreamVersion, Tags};
use crate::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion, Timestamp};

/// Events in the order of the request.
#[derive(Clone)]
pub struct Page {
    events: Events,
    reached: u64,
    last: bool,
}

#[derive(Clone)]
enum Events {
    List(Vec<RecordedEvent>),
    Block(Arc<Block>),
}

/// Makes a page whose events lie together.
///
/// ```
/// use cqrs_core::message::{Encoding, EventId, SchemaVersion, Timestamp};
/// use cqrs_core::store::{PageBuilder, PageEvent, Position, StreamId, StreamVersion, Tags};
///
/// let mut page = PageBuilder::new();
/// let kind = page.kind("account.opened", SchemaVersion::FIRST, Encoding::JSON);
/// let stream = page.stream(StreamId::new("account", "4711")?);
/// let id = EventId::from_uuid(uuid::Uuid::from_u128(7));
/// page.push(PageEvent {
///     id,
///     kind,
///     stream,
///     position: Position::new(1),
///     version: StreamVersion::new(1),
///     correlation_id: (*id.as_uuid()).into(),
///     causation_id: None,
///     occurred_at: Timestamp::EPOCH,
///     recorded_at: Timestamp::EPOCH,
///     tags: Tags::NONE,
///     details: b"",
///     payload: br#"{"owner":"Ada"}"#,
/// });
/// let page = page.finish(1, true);
/// assert_eq!(page.events().next().unwrap().event_type().as_str(), "account.opened");
/// # Ok::<(), cqrs_core::store::InvalidStreamId>(())
/// ```
#[derive(Default)]
pub struct PageBuilder(Block);

/// Keeps the memory of pages that were dropped, for those that follow.
/// Otherwise the allocator gives large pages back to the system, which clears
/// them for the next ones, and that takes longer than to read the events.
#[derive(Clone, Default)]
pub struct PagePool(Arc<Mutex<Vec<Block>>>);

/// Pages whose memory a pool keeps, and how many bytes each may hold.
const POOLED: usize = 4;
const POOLED_BYTES: usize = 2 << 20;

/// The place of a type, version and encoding in a [`PageBuilder`].
#[derive(Clone, Copy, Debug)]
pub struct KindInPage(u32);

/// The place of a stream's name in a [`PageBuilder`].
#[derive(Clone, Copy, Debug)]
pub struct StreamInPage(u32);

/// An event on its way into a page. Its kind and stream are those of the
/// builder that it is given to.
#[derive(Debug)]
#[expect(missing_docs, reason = "as the getters of `RecordedEvent` say")]
pub struct PageEvent<'a> {
    pub id: EventId,
    pub kind: KindInPage,
    pub stream: StreamInPage,
    pub position: Position,
    pub version: StreamVersion,
    pub correlation_id: CorrelationId,
    pub causation_id: Option<CausationId>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub tags: Tags,
    pub details: &'a [u8],
    pub payload: &'a [u8],
}

/// The events of one page.
#[derive(Default)]
pub(super) struct Block {
    records: Vec<Record>,
    /// Of each event its details, then its payload.
    bytes: Vec<u8>,
    kinds: Vec<Kind>,
    streams: Vec<StreamId>,
    /// The tags of those events that have any.
    tags: Vec<Tags>,
    /// Where its memory goes.
    pool: Option<PagePool>,
}

pub(super) struct Kind {
    pub(super) event_type: EventTypeName,
    pub(super) version: SchemaVersion,
    pub(super) encoding: Encoding,
}

/// What has a fixed size; refers to the rest by its place in the block.
pub(super) struct Record {
    pub(super) id: EventId,
    pub(super) correlation_id: CorrelationId,
    pub(super) causation_id: Option<CausationId>,
    kind: KindInPage,
    stream: StreamInPage,
    /// 0 for none, otherwise one more than the place.
    tags: u32,
    pub(super) position: Position,
    pub(super) version: StreamVersion,
    pub(super) occurred_at: Timestamp,
    pub(super) recorded_at: Timestamp,
    details: usize,
    payload: usize,
    end: usize,
}

impl Page {
    /// For stores: a page that looked at everything up to and including
    /// `reached` (a position; of a stream, a version), and whether nothing
    /// more stood there at the time.
    #[must_use]
    pub fn new(events: Vec<RecordedEvent>, reached: u64, last: bool) -> Self {
        Self { events: Events::List(events), reached, last }
    }

    /// How many events.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.events {
            Events::List(events) => events.len(),
            Events::Block(block) => block.records.len(),
        }
    }

    /// Whether it has no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events.
    pub fn events(&self) -> impl ExactSizeIterator<Item = RecordedEvent> + DoubleEndedIterator {
        (0..self.len()).map(|index| match &self.events {
            Events::List(events) => events[index].clone(),
            Events::Block(block) => RecordedEvent::in_block(Arc::clone(block), index as u32),
        })
    }

    /// The events.
    #[must_use]
    pub fn into_events(self) -> Vec<RecordedEvent> {
        match self.events {
            Events::List(events) => events,
            Events::Block(_) => self.events().collect(),
        }
    }

    /// The page of a read that goes on behind it.
    pub(crate) fn followed(self) -> Self {
        Self { last: false, ..self }
    }

    /// Goes through the events; cheaper than [`events`](Self::events) by a
    /// handle for each.
    #[inline]
    pub(crate) fn try_each<E>(
        &self,
        mut take: impl FnMut(&RecordedEvent) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.events {
            Events::List(events) => events.iter().try_for_each(take),
            Events::Block(block) => {
                let count = place(block.records.len());
                let mut event = RecordedEvent::in_block(Arc::clone(block), 0);
                (0..count).try_for_each(|index| {
                    event.go_to(index);
                    take(&event)
                })
            }
        }
    }

    /// How far the store has looked, matching or not. A reader that resumes
    /// after it misses nothing.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Whether nothing more was there when the page was read.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.last
    }
}

impl PageBuilder {
    /// A page without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A page without events, in memory of a pool.
    #[must_use]
    pub fn from_pool(pool: &PagePool) -> Self {
        let mut block = pool.kept().pop().unwrap_or_default();
        block.pool = Some(pool.clone());
        Self(block)
    }

    /// Makes room for events and for the bytes of their details and payloads.
    pub fn reserve(&mut self, events: usize, bytes: usize) {
        self.0.records.reserve(events);
        self.0.bytes.reserve(bytes);
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.records.len()
    }

    /// Whether it has no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all details and payloads.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes.len()
    }

    /// Takes in a kind of event, for those events that have it. Keep its
    /// place: each call takes in one more.
    pub fn kind(
        &mut self,
        event_type: impl Into<EventTypeName>,
        schema_version: SchemaVersion,
        encoding: Encoding,
    ) -> KindInPage {
        let kind = Kind { event_type: event_type.into(), version: schema_version, encoding };
        self.0.kinds.push(kind);
        KindInPage(place(self.0.kinds.len() - 1))
    }

    /// Takes in a stream's name, for those events that stand in it. Keep its
    /// place: each call takes in one more.
    pub fn stream(&mut self, stream: StreamId) -> StreamInPage {
        self.0.streams.push(stream);
        StreamInPage(place(self.0.streams.len() - 1))
    }

    /// Adds an event behind the others.
    ///
    /// # Panics
    ///
    /// When the event's kind or stream is not one of this builder.
    #[inline]
    pub fn push(&mut self, event: PageEvent<'_>) {
        let block = &mut self.0;
        let is_known = |place: u32, names: usize| (place as usize) < names;
        assert!(is_known(event.kind.0, block.kinds.len()), "the kind is of another builder");
        assert!(is_known(event.stream.0, block.streams.len()), "the stream is of another builder");
        let details = block.bytes.len();
        block.bytes.extend_from_slice(event.details);
        let payload = block.bytes.len();
        block.bytes.extend_from_slice(event.payload);
        let tags = if event.tags == Tags::NONE {
            0
        } else {
            block.tags.push(event.tags);
            place(block.tags.len())
        };
        block.records.push(Record {
            id: event.id,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            kind: event.kind,
            stream: event.stream,
            tags,
            position: event.position,
            version: event.version,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            details,
            payload,
            end: block.bytes.len(),
        });
    }

    /// The page; see [`Page::new`].
    #[must_use]
    pub fn finish(self, reached: u64, last: bool) -> Page {
        Page { events: Events::Block(Arc::new(self.0)), reached, last }
    }
}

/// A place in a list of a page.
fn place(index: usize) -> u32 {
    u32::try_from(index).expect("a page has fewer than 2^32 events and names")
}

impl PagePool {
    fn kept(&self) -> MutexGuard<'_, Vec<Block>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let Some(pool) = self.pool.take() else { return };
        let size = self.bytes.capacity() + self.records.capacity() * size_of::<Record>();
        let mut block = std::mem::take(self);
        block.clear();
        let mut kept = pool.kept();
        if kept.len() < POOLED && size <= POOLED_BYTES {
            kept.push(block);
        }
    }
}

impl Block {
    fn clear(&mut self) {
        self.records.clear();
        self.bytes.clear();
        self.kinds.clear();
        self.streams.clear();
        self.tags.clear();
    }

    #[inline]
    pub(super) fn record(&self, index: u32) -> &Record {
        &self.records[index as usize]
    }

    #[inline]
    pub(super) fn kind(&self, record: &Record) -> &Kind {
        &self.kinds[record.kind.0 as usize]
    }

    #[inline]
    pub(super) fn stream(&self, record: &Record) -> &StreamId {
        &self.streams[record.stream.0 as usize]
    }

    pub(super) fn tags(&self, record: &Record) -> &Tags {
        const NONE: &Tags = &Tags::NONE;
        record.tags.checked_sub(1).map_or(NONE, |place| &self.tags[place as usize])
    }

    pub(super) fn details(&self, record: &Record) -> &[u8] {
        self.range(record.details..record.payload)
    }

    #[inline]
    pub(super) fn payload(&self, record: &Record) -> &[u8] {
        self.range(record.payload..record.end)
    }

    #[inline]
    fn range(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        (self.reached, self.last) == (other.reached, other.last) && self.events().eq(other.events())
    }
}

impl Eq for Page {}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("events", &self.events().collect::<Vec<_>>())
            .field("reached", &self.reached)
            .field("last", &self.last)
            .finish()
    }
}

impl fmt::Debug for PagePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PagePool({} pages)", self.kept().len())
    }
}

impl fmt::Debug for PageBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageBuilder({} events, {} bytes)", self.len(), self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Encoding;

    fn page(pool: &PagePool, payloads: &[&str]) -> Page {
        let mut page = PageBuilder::from_pool(pool);
        let kind = page.kind("opened", SchemaVersion::FIRST, Encoding::JSON);
        let stream = page.stream(StreamId::new("account", "4711").expect("it is a name"));
        for payload in payloads {
            page.push(PageEvent {
                id: EventId::from_uuid(uuid::Uuid::from_u128(1)),
                kind,
                stream,
                position: Position::new(1),
                version: StreamVersion::new(1),
                correlation_id: CorrelationId::from_uuid(uuid::Uuid::from_u128(1)),
                causation_id: None,
                occurred_at: Timestamp::EPOCH,
                recorded_at: Timestamp::EPOCH,
                tags: Tags::NONE,
                details: b"",
                payload: payload.as_bytes(),
            });
        }
        page.finish(1, true)
    }

    fn payloads(page: &Page) -> Vec<String> {
        page.events().map(|event| String::from_utf8_lossy(event.payload()).into_owned()).collect()
    }

    #[test]
    fn memory_is_kept_once_nobody_holds_an_event_of_the_page() {
        let pool = PagePool::default();
        let first = page(&pool, &["a", "bb"]);
        let held = first.events().next_back().expect("it has two");
        drop(first);
        assert_eq!(pool.kept().len(), 0);
        assert_eq!(payloads(&page(&pool, &["c"])), ["c"]);
        assert_eq!((pool.kept().len(), held.payload()), (1, &b"bb"[..]));
        drop(held);
        assert_eq!(pool.kept().len(), 2);
        assert_eq!(payloads(&page(&pool, &["d", "e", "f"])), ["d", "e", "f"]);
    }

    #[test]
    fn a_pool_keeps_few_pages_and_no_large_one() {
        let pool = PagePool::default();
        drop((0..2 * POOLED).map(|_| page(&pool, &["a"])).collect::<Vec<_>>());
        assert_eq!(pool.kept().len(), POOLED);
        pool.kept().clear();
        drop(page(&pool, &["x".repeat(POOLED_BYTES + 1).as_str()]));
        assert_eq!(pool.kept().len(), 0);
    }
}
