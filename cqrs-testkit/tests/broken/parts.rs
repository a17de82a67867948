//! A unit of work, an event and a request in parts, so that a fault can
//! change one of them.

use cqrs_core::Timestamp;
use cqrs_core::store::{
    CheckpointName, Cursor, Direction, Epoch, EventQuery, ExpectedVersion, Holder, Lease, NewEvent,
    Operation, Position, QueryItem, ReadRequest, RecordedEvent, Snapshot, Source, StreamId,
    TableName, UnitOfWork,
};

type Row = (TableName, Option<bytes::Bytes>, Option<bytes::Bytes>);

/// A unit without its lineage, which its owner keeps.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) operation: Operation,
    pub(crate) now: Timestamp,
    pub(crate) streams: Vec<(StreamId, ExpectedVersion, Vec<NewEvent>)>,
    pub(crate) guards: Vec<(EventQuery, Position)>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) rows: Vec<Row>,
    pub(crate) advance: Option<(CheckpointName, Epoch, Option<Cursor>)>,
    pub(crate) fence: Option<Lease>,
    pub(crate) reply: bytes::Bytes,
}

impl Unit {
    pub(crate) fn of(work: &UnitOfWork) -> Self {
        let streams = work
            .streams()
            .iter()
            .map(|append| (append.stream().clone(), append.expected(), append.events().to_vec()));
        let guards = work.guards().iter().map(|guard| (guard.query().clone(), guard.after()));
        let rows = work.tables().iter().map(|write| {
            let key = write.key().map(bytes::Bytes::copy_from_slice);
            (write.table().clone(), key, write.value().cloned())
        });
        Self {
            operation: work.operation(),
            now: work.recorded_at(),
            streams: streams.collect(),
            guards: guards.collect(),
            snapshots: work.snapshots().to_vec(),
            rows: rows.collect(),
            advance: work.advance().map(|to| (to.name().clone(), to.epoch(), to.to())),
            fence: work.fence().map(|fence| {
                let (name, holder) = (fence.name().clone(), Holder::named("its holder"));
                Lease::new(name, holder, fence.token(), Timestamp::EPOCH)
            }),
            reply: work.reply().clone(),
        }
    }

    /// An empty unit of the same operation.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            streams: Vec::new(),
            guards: Vec::new(),
            snapshots: Vec::new(),
            rows: Vec::new(),
            advance: None,
            fence: None,
            ..self.clone()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty()
            && self.rows.is_empty()
            && self.snapshots.is_empty()
            && self.advance.is_none()
            && self.guards.is_empty()
    }

    pub(crate) fn into_work(self) -> UnitOfWork {
        let mut work = UnitOfWork::new(self.operation, self.now).with_reply(self.reply);
        for (stream, expected, events) in self.streams {
            work = work.append(stream, expected, events);
        }
        for (query, after) in self.guards {
            work = work.unless_matched(query, after);
        }
        for snapshot in self.snapshots {
            work = work.save(snapshot);
        }
        for (table, key, value) in self.rows {
            work = match (key, value) {
                (None, _) => work.clear(table),
                (Some(key), None) => work.delete(table, key),
                (Some(key), Some(value)) => work.put(table, key, value),
            };
        }
        if let Some((name, epoch, to)) = self.advance {
            work = work.advance_checkpoint(name, epoch, to);
        }
        if let Some(lease) = self.fence {
            work = work.fenced_by(&lease);
        }
        work
    }
}

/// What can be changed in an event, written or read.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) event_type: String,
    pub(crate) encoding: String,
    pub(crate) schema: u32,
    pub(crate) payload: bytes::Bytes,
    pub(crate) details: bytes::Bytes,
    pub(crate) tags: String,
}

macro_rules! event_parts {
    ($($of:ident, $changed:ident: $type:ty;)*) => {$(
        pub(crate) fn $of(event: &$type) -> Event {
            Event {
                event_type: event.event_type().as_str().to_owned(),
                encoding: event.encoding().as_str().to_owned(),
                schema: event.schema_version().get(),
                payload: bytes::Bytes::copy_from_slice(event.payload()),
                details: bytes::Bytes::copy_from_slice(event.details()),
                tags: event.tags().as_lines().to_owned(),
            }
        }

        /// The event with other parts, on its way into a store.
        pub(crate) fn $changed(event: &$type, parts: Event) -> NewEvent {
            let (event_type, encoding) = (parts.event_type, parts.encoding.into());
            let schema = cqrs_core::message::SchemaVersion::new(parts.schema);
            NewEvent::new(event.id(), event_type, schema, encoding, parts.payload, event.occurred_at())
                .caused_by(event.correlation_id(), event.causation_id())
                .with_details(parts.details)
                .with_tags(cqrs_core::store::Tags::from_lines(&parts.tags))
        }
    )*};
}

event_parts! {
    of_new, new_with: NewEvent;
    of_recorded, recorded_with: RecordedEvent;
}

/// A recorded event at another place.
pub(crate) fn moved(event: &RecordedEvent, position: u64) -> RecordedEvent {
    RecordedEvent::new(
        recorded_with(event, of_recorded(event)),
        Position::new(position),
        event.stream().clone(),
        event.version(),
        event.recorded_at(),
    )
}

/// A request that a fault has changed in one part.
pub(crate) struct Request {
    pub(crate) source: Source,
    pub(crate) query: EventQuery,
    pub(crate) correlation: Option<cqrs_core::message::CorrelationId>,
    pub(crate) recorded: Option<std::ops::Range<Timestamp>>,
    pub(crate) direction: Direction,
    pub(crate) after: u64,
    pub(crate) before: u64,
    pub(crate) log: Option<cqrs_core::store::LogId>,
    pub(crate) limit: usize,
}

impl Request {
    pub(crate) fn of(request: &ReadRequest) -> Self {
        Self {
            source: request.source().clone(),
            query: request.query().clone(),
            correlation: request.correlation(),
            recorded: request.recorded_range().cloned(),
            direction: request.direction(),
            after: request.lower(),
            before: request.upper(),
            log: request.expected_log(),
            limit: request.page_limit(),
        }
    }

    pub(crate) fn into_request(self) -> ReadRequest {
        let mut request = ReadRequest::new(self.source).matching(self.query);
        if let Some(log) = self.log {
            request = request.resume(Cursor { log, position: Position::NONE });
        }
        if let Some(correlation) = self.correlation {
            request = request.correlated(correlation);
        }
        if let Some(range) = self.recorded {
            request = request.recorded(range);
        }
        if self.direction == Direction::Backward {
            request = request.backward();
        }
        request.after(self.after).before(self.before).limit(self.limit)
    }
}

/// The query with every alternative changed.
pub(crate) fn each_item(
    query: &EventQuery,
    change: impl Fn(&QueryItem) -> QueryItem,
) -> EventQuery {
    query.items().iter().fold(EventQuery::all(), |query, item| query.or(change(item)))
}

pub(crate) fn item(
    types: &[cqrs_core::store::EventTypeName],
    tags: &[cqrs_core::store::Tag],
) -> QueryItem {
    tags.iter().cloned().fold(QueryItem::types(types.iter().cloned()), QueryItem::tag)
}
