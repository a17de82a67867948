//! Everything that commits together, as a value.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    CheckpointName, Cursor, EventQuery, EventTypeName, Lease, LeaseFence, NewEvent, Position,
    RecordedEvent, Snapshot, StreamId, StreamVersion, TableName, few::Few,
};
use crate::message::{OperationId, SchemaVersion, Timestamp};
use crate::runtime::Services;

/// An odd constant (the multiplier of PCG's 128-bit generator, O'Neill 2014).
const FOLD: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// Where a stream must be for an append to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpectedVersion {
    /// Anywhere.
    Any,
    /// Without any event.
    NoStream,
    /// At this version.
    Exact(StreamVersion),
    /// With at least one event.
    Exists,
}

impl ExpectedVersion {
    /// Whether a stream at `actual` meets it.
    #[must_use]
    pub fn is_met_by(self, actual: StreamVersion) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual == StreamVersion::NONE,
            Self::Exact(version) => actual == version,
            Self::Exists => actual > StreamVersion::NONE,
        }
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::NoStream => f.write_str("no stream"),
            Self::Exact(version) => write!(f, "version {version}"),
            Self::Exists => f.write_str("an existing stream"),
        }
    }
}

/// Which operation a unit is, and a fingerprint of the request behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    id: OperationId,
    /// As bytes, which need no alignment: a unit is small to move.
    fingerprint: Option<[u8; 16]>,
    fresh: bool,
}

impl Operation {
    /// A new operation. Its id has never been used before, so a store may
    /// skip looking it up; that it has not is the caller's duty.
    #[must_use]
    pub fn fresh(id: OperationId) -> Self {
        Self { id, fingerprint: None, fresh: true }
    }

    /// An operation that may have been committed before: the id came from a
    /// caller, or an earlier attempt ended in doubt.
    #[must_use]
    pub fn given(id: OperationId) -> Self {
        Self { id, fingerprint: None, fresh: false }
    }

    /// Recognises the request by this fingerprint instead of by the events.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: u128) -> Self {
        self.fingerprint = Some(fingerprint.to_le_bytes());
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Whether the id has certainly never been used.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// The chain of units that were decided one on the other before the first
/// had committed. When one fails, those behind it must not commit, even if
/// their expected version happens to fit.
#[derive(Clone, Debug, Default)]
pub struct Lineage(Arc<AtomicBool>);

impl Lineage {
    /// A new, unbroken chain.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a unit of the chain has failed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Whether it is the same chain.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Breaks the chain.
    pub fn sever(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Events for one stream and the version it must have. Without events it
/// only checks.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    stream: StreamId,
    expected: ExpectedVersion,
    events: Few<NewEvent>,
}

impl StreamAppend {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Where the stream must be.
    #[must_use]
    pub fn expected(&self) -> ExpectedVersion {
        self.expected
    }

    /// The events, oldest first.
    #[must_use]
    pub fn events(&self) -> &[NewEvent] {
        &self.events
    }

    pub(crate) fn into_parts(self) -> (StreamId, Few<NewEvent>) {
        (self.stream, self.events)
    }
}

/// No event that the query matches may stand after the position.
#[derive(Clone, Debug)]
pub struct QueryGuard {
    query: EventQuery,
    after: Position,
}

impl QueryGuard {
    /// The query.
    #[must_use]
    pub fn query(&self) -> &EventQuery {
        &self.query
    }

    /// How far the writer has read.
    #[must_use]
    pub fn after(&self) -> Position {
        self.after
    }
}

/// A change of one row, or of a whole table.
#[derive(Clone, Debug)]
pub struct TableWrite {
    table: TableName,
    key: Option<Bytes>,
    value: Option<Bytes>,
}

impl TableWrite {
    /// The table.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The row's key; `None` means every row, which is then deleted.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    /// The row's new value; `None` deletes it.
    #[must_use]
    pub fn value(&self) -> Option<&Bytes> {
        self.value.as_ref()
    }
}

/// The number of times that a checkpoint has been claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Wraps a number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A subscription's stored place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The subscription.
    pub name: CheckpointName,
    /// Who may move it.
    pub epoch: Epoch,
    /// Where it is, `None` before the first event.
    pub cursor: Option<Cursor>,
}

/// Moves a checkpoint, if the epoch is still the one that was claimed.
#[derive(Clone, Debug)]
pub struct CheckpointAdvance {
    name: CheckpointName,
    epoch: Epoch,
    to: Option<Cursor>,
}

impl CheckpointAdvance {
    /// The subscription.
    #[must_use]
    pub fn name(&self) -> &CheckpointName {
        &self.name
    }

    /// The epoch that was claimed.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The new place; `None` sends the subscription back to the beginning.
    #[must_use]
    pub fn to(&self) -> Option<Cursor> {
        self.to
    }
}

/// What commits together: events, conditions, snapshots, rows, a checkpoint.
///
/// ```
/// use cqrs_core::store::{ExpectedVersion, Operation, StreamId, UnitOfWork};
/// # use cqrs_core::{OperationId, Timestamp};
/// # let id = OperationId::from_uuid(Default::default());
/// let from = StreamId::new("account", "1")?;
/// let to = StreamId::new("account", "2")?;
/// let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH)
///     .append(from, ExpectedVersion::Any, Vec::new())
///     .append(to, ExpectedVersion::Exists, Vec::new());
/// assert_eq!(work.streams().len(), 2);
/// # Ok::<(), cqrs_core::store::InvalidStreamId>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a unit of work does nothing until it is committed"]
pub struct UnitOfWork {
    operation: Operation,
    recorded_at: Timestamp,
    streams: Few<StreamAppend>,
    lineage: Option<Lineage>,
    /// What a command's unit seldom has: without it the unit is small to move.
    rest: Option<Box<Rest>>,
}

#[derive(Clone, Debug, Default)]
struct Rest {
    guards: Vec<QueryGuard>,
    snapshots: Vec<Snapshot>,
    tables: Vec<TableWrite>,
    advance: Option<CheckpointAdvance>,
    fence: Option<LeaseFence>,
    reply: Bytes,
}

static NO_REPLY: Bytes = Bytes::new();

impl UnitOfWork {
    /// One of the framework's own, made now; nobody asks for it by its id.
    pub(crate) fn fresh(services: &Services) -> Self {
        let now = services.now();
        Self::new(Operation::fresh(services.id(now).into()), now)
    }

    /// An empty unit. `now` becomes the recorded time, unless the log already
    /// holds a later one.
    #[inline]
    pub fn new(operation: Operation, now: Timestamp) -> Self {
        Self { operation, recorded_at: now, streams: Few::new(), lineage: None, rest: None }
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// Appends events to a stream that must be at a version. Without events
    /// the version is only checked.
    pub fn append(
        self,
        stream: StreamId,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Self {
        self.append_few(stream, expected, events.into())
    }

    #[inline]
    pub(crate) fn append_few(
        mut self,
        stream: StreamId,
        expected: ExpectedVersion,
        events: Few<NewEvent>,
    ) -> Self {
        self.streams.push(StreamAppend { stream, expected, events });
        self
    }

    /// Commits only if no event after `after` matches the query.
    pub fn unless_matched(mut self, query: EventQuery, after: Position) -> Self {
        self.rest().guards.push(QueryGuard { query, after });
        self
    }

    /// Saves a snapshot.
    pub fn save(mut self, snapshot: Snapshot) -> Self {
        self.rest().snapshots.push(snapshot);
        self
    }

    /// Writes a row.
    pub fn put(mut self, table: TableName, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.rest().tables.push(TableWrite {
            table,
            key: Some(key.into()),
            value: Some(value.into()),
        });
        self
    }

    /// Deletes a row; one that is not there is no error.
    pub fn delete(mut self, table: TableName, key: impl Into<Bytes>) -> Self {
        self.rest().tables.push(TableWrite { table, key: Some(key.into()), value: None });
        self
    }

    /// Deletes all rows of a table.
    pub fn clear(mut self, table: TableName) -> Self {
        self.rest().tables.push(TableWrite { table, key: None, value: None });
        self
    }

    /// Moves a checkpoint that was claimed with `epoch`. One that nobody has
    /// claimed cannot be moved: it is fenced.
    pub fn advance_checkpoint(
        mut self,
        name: CheckpointName,
        epoch: Epoch,
        to: Option<Cursor>,
    ) -> Self {
        self.rest().advance = Some(CheckpointAdvance { name, epoch, to });
        self
    }

    /// Commits only while the lease is held: a holder that slept through it
    /// fails with [`CommitError::LeaseLost`](super::CommitError::LeaseLost).
    pub fn fenced_by(mut self, lease: &Lease) -> Self {
        self.rest().fence = Some(LeaseFence::of(lease));
        self
    }

    /// Makes the unit fail when an earlier one of the lineage has failed.
    #[inline]
    pub fn in_lineage(mut self, lineage: Lineage) -> Self {
        self.lineage = Some(lineage);
        self
    }

    /// Records an encoded answer with the operation, for a caller that
    /// repeats it.
    #[inline]
    pub fn with_reply(mut self, reply: Bytes) -> Self {
        if !(reply.is_empty() && self.rest.is_none()) {
            self.rest().reply = reply;
        }
        self
    }

    /// The answer to record.
    #[must_use]
    #[inline]
    pub fn reply(&self) -> &Bytes {
        self.rest.as_ref().map_or(&NO_REPLY, |rest| &rest.reply)
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The caller's time.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The appends and checks of streams.
    #[must_use]
    pub fn streams(&self) -> &[StreamAppend] {
        &self.streams
    }

    /// The guards over queries.
    #[must_use]
    pub fn guards(&self) -> &[QueryGuard] {
        self.rest.as_ref().map_or(&[], |rest| &rest.guards)
    }

    /// The snapshots.
    #[must_use]
    pub fn snapshots(&self) -> &[Snapshot] {
        self.rest.as_ref().map_or(&[], |rest| &rest.snapshots)
    }

    /// The changes of rows, in order.
    #[must_use]
    pub fn tables(&self) -> &[TableWrite] {
        self.rest.as_ref().map_or(&[], |rest| &rest.tables)
    }

    /// The move of a checkpoint.
    #[must_use]
    pub fn advance(&self) -> Option<&CheckpointAdvance> {
        self.rest.as_ref()?.advance.as_ref()
    }

    /// The lease that must be held.
    #[must_use]
    pub fn fence(&self) -> Option<&LeaseFence> {
        self.rest.as_ref()?.fence.as_ref()
    }

    /// The chain that the unit belongs to.
    #[must_use]
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// Whether a unit that this one builds on has failed.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.lineage.as_ref().is_some_and(Lineage::is_broken)
    }

    /// For stores: call it when the unit fails, before the next unit of the
    /// store is looked at.
    pub fn sever_lineage(&self) {
        if let Some(lineage) = &self.lineage {
            lineage.sever();
        }
    }

    /// Takes the unit apart, so that a store can move its events.
    pub fn into_streams(self) -> impl Iterator<Item = (StreamId, Vec<NewEvent>)> {
        self.streams.into_iter().map(|append| (append.stream, append.events.into_vec()))
    }

    #[inline]
    pub(crate) fn into_appends(self) -> Few<StreamAppend> {
        self.streams
    }

    /// Whether the unit writes anything beside a record of its operation.
    #[must_use]
    pub fn only_checks(&self) -> bool {
        self.writes_no_rest() && self.streams.iter().all(|append| append.events.is_empty())
    }

    #[inline]
    fn writes_no_rest(&self) -> bool {
        self.snapshots().is_empty() && self.tables().is_empty() && self.advance().is_none()
    }

    /// Bytes that the unit holds, for limits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let events = self.streams.iter().flat_map(|append| append.events());
        let events: usize = events
            .map(|event| {
                event.payload().len() + event.details().len() + event.tags().as_lines().len()
            })
            .sum();
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let rows = self.tables().iter().map(|write| length(&write.key) + length(&write.value));
        let snapshots = self.snapshots().iter().map(|one| one.data().len());
        events + rows.chain(snapshots).sum::<usize>()
    }

    /// A fingerprint of the request: the one given with the operation, or
    /// XXH3-128 over everything that is written.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.operation.fingerprint.map_or_else(|| self.content_hash(), u128::from_le_bytes)
    }

    fn content_hash(&self) -> u128 {
        let mut hash: u128 = 0;
        let mut part = |bytes: &[u8]| hash = folded(hash, bytes);
        for append in &*self.streams {
            stream_parts(&append.stream, &mut part);
            for event in append.events() {
                let (event_type, version) = (event.event_type(), event.schema_version());
                event_parts(event_type, version, event.payload(), &mut part);
            }
        }
        for write in self.tables() {
            part(write.table.as_str().as_bytes());
            part(write.key.as_deref().unwrap_or_default());
            part(write.value.as_deref().unwrap_or_default());
            part(&[u8::from(write.key.is_some()), u8::from(write.value.is_some())]);
        }
        for snapshot in self.snapshots() {
            part(snapshot.stream().key().as_bytes());
            part(&snapshot.version().get().to_le_bytes());
            part(snapshot.data());
        }
        if let Some(CheckpointAdvance { name, epoch, to }) = self.advance() {
            part(name.as_str().as_bytes());
            part(&epoch.get().to_le_bytes());
            part(&to.map_or(0, |cursor| cursor.position.get()).to_le_bytes());
        }
        hash
    }

    /// Whether the unit appends to one stream, and everything to be recorded
    /// of its operation can be read from those events.
    #[inline]
    pub(crate) fn is_plain_append(&self) -> bool {
        matches!(&*self.streams, [append] if !append.events.is_empty())
            && self.operation.fingerprint.is_none()
            && self.reply().is_empty()
            && self.writes_no_rest()
    }

    /// The fingerprint of a plain append, from its recorded events.
    pub(crate) fn fingerprint_of_append<'a>(
        events: impl Iterator<Item = &'a RecordedEvent>,
    ) -> u128 {
        let mut hash: u128 = 0;
        let mut part = |bytes: &[u8]| hash = folded(hash, bytes);
        for (index, event) in events.enumerate() {
            if index == 0 {
                stream_parts(event.stream(), &mut part);
            }
            let (event_type, version) = (event.event_type(), event.schema_version());
            event_parts(event_type, version, event.payload(), &mut part);
        }
        hash
    }
}

/// Each part is hashed on its own and folded in, its place counting: the
/// streaming form of the hash costs more than the parts are long.
fn folded(hash: u128, part: &[u8]) -> u128 {
    hash.wrapping_mul(FOLD).wrapping_add(xxh3_128(part))
}

fn stream_parts(stream: &StreamId, part: &mut impl FnMut(&[u8])) {
    part(stream.tenant().as_str().as_bytes());
    part(stream.category().as_str().as_bytes());
    part(stream.key().as_bytes());
}

fn event_parts(
    event_type: &EventTypeName,
    version: SchemaVersion,
    payload: &[u8],
    part: &mut impl FnMut(&[u8]),
) {
    part(event_type.as_str().as_bytes());
    part(&version.get().to_le_bytes());
    part(payload);
}
