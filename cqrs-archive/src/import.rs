//! Bringing an archive into a store.

use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;

use cqrs_core::OperationId;
use cqrs_core::message::Timestamp;
use cqrs_core::store::{
    Commit, CommitError, EventStore, ExpectedVersion, Lineage, NewEvent, Operation, Position,
    StreamId, StreamVersion, UnitOfWork,
};
use tokio::fs::File;
use tokio::io::{AsyncBufRead, BufReader};

use crate::ArchiveError;
use crate::line::{Event, Unit, from_base64};
use crate::read::{Lines, Part, verify_file};

/// Units that a store is handed before the first of them is waited for, and
/// their bytes: far less than what a store lets wait.
const UNDER_WAY: usize = 256;
const BYTES_UNDER_WAY: usize = 16 << 20;

/// How much of an archive is brought in. A unit of work comes whole or not at
/// all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// All of it.
    End,
    /// What stood up to this position.
    Position(Position),
    /// What was recorded up to this time, with it.
    Time(Timestamp),
}

/// What an import has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Events that are there now.
    pub events: u64,
    /// Units of work that wrote them.
    pub units: u64,
    /// Those of them that were there already.
    pub repeated: u64,
}

/// Brings an archive into a store, unit by unit, each under its operation. What
/// is there already is left alone, so that an import which was interrupted is
/// simply made again. The units keep their order: when one does not commit,
/// none behind it does. Into an empty log positions and times stay what they
/// were, which is checked.
///
/// The archive is checked while it is read: of one that turns out to be
/// damaged, what stood before the damage is there. [`restore`] looks first.
///
/// # Errors
///
/// [`ArchiveError::Commit`] when a stream is not where the archive expects it:
/// the store holds something else under its name. [`ArchiveError::Displaced`]
/// when somebody else has written in between.
///
/// # Cancel safety
///
/// Dropping the future leaves a beginning of the archive in the store.
pub async fn import<R: AsyncBufRead + Unpin>(
    input: R,
    store: &impl EventStore,
    until: Until,
) -> Result<Imported, ArchiveError> {
    let mut lines = Lines::open(input).await?;
    let mut import = Import::into_store(store).await?;
    let mut unit = None;
    loop {
        let line = lines.number + 1;
        let malformed = |reason| ArchiveError::Malformed { line, reason };
        match lines.next().await? {
            Some(Part::Unit(begun)) => unit = Some(Gathered::new(&begun).map_err(malformed)?),
            Some(Part::Event(event)) => {
                let mut gathered = match unit.take() {
                    Some(gathered) => gathered,
                    None => Gathered::of_one(),
                };
                gathered.take(*event).map_err(malformed)?;
                if gathered.due > 0 {
                    unit = Some(gathered);
                } else if gathered.is_within(until) {
                    import.commit(gathered).await?;
                } else {
                    return import.finish().await;
                }
            }
            None => break,
        }
    }
    lines.manifest()?;
    import.finish().await
}

/// Verifies an archive in a file, and then brings it into a store.
///
/// # Errors
///
/// As [`verify_file`] before anything is written, then as [`import`].
///
/// # Cancel safety
///
/// As [`import`].
pub async fn restore(
    path: impl AsRef<Path>,
    store: &impl EventStore,
    until: Until,
) -> Result<Imported, ArchiveError> {
    verify_file(&path).await?;
    import(BufReader::new(File::open(&path).await?), store, until).await
}

/// A unit of work on its way.
struct Gathered {
    operation: Option<(OperationId, u128)>,
    reply: Vec<u8>,
    streams: Vec<(StreamId, u64, Vec<NewEvent>)>,
    first: u64,
    last: u64,
    recorded_at: i64,
    due: u64,
    bytes: usize,
}

impl Gathered {
    fn new(unit: &Unit) -> Result<Self, String> {
        let operation = Some((unit.id(), unit.fingerprint()?));
        let (reply, due) = (from_base64(&unit.reply)?, unit.events);
        if due == 0 {
            return Err("a unit without events".to_owned());
        }
        let (first, last, recorded_at) = (0, 0, i64::MIN);
        let (streams, bytes) = (Vec::new(), reply.len());
        Ok(Self { operation, reply, streams, first, last, recorded_at, due, bytes })
    }

    /// Of an event whose unit is not recorded.
    fn of_one() -> Self {
        let (reply, streams, recorded_at) = (Vec::new(), Vec::new(), i64::MIN);
        let (first, last, due, bytes) = (0, 0, 1, 0);
        Self { operation: None, reply, streams, first, last, recorded_at, due, bytes }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        let (stream, version, position) = (event.stream()?, event.version, event.position);
        if self.first == 0 {
            self.first = position;
        }
        (self.last, self.recorded_at) = (position, self.recorded_at.max(event.recorded_at));
        self.due -= 1;
        let event = event.into_new()?;
        self.bytes += event.payload().len() + event.details().len();
        match self.streams.iter_mut().find(|(one, ..)| *one == stream) {
            Some((_, first, events)) if *first + events.len() as u64 == version => {
                events.push(event);
            }
            Some(_) => return Err(format!("version {version} of {stream} does not follow")),
            None => self.streams.push((stream, version, vec![event])),
        }
        Ok(())
    }

    fn is_within(&self, until: Until) -> bool {
        match until {
            Until::End => true,
            Until::Position(position) => self.last <= position.get(),
            Until::Time(time) => self.recorded_at <= time.as_micros(),
        }
    }

    fn into_work(self) -> UnitOfWork {
        let operation = match self.operation {
            Some((id, fingerprint)) => Operation::given(id).with_fingerprint(fingerprint),
            None => {
                let event = self.streams.first().and_then(|(_, _, events)| events.first());
                let id = event.map_or_else(uuid::Uuid::nil, |event| *event.id().as_uuid());
                Operation::given(OperationId::from_uuid(id))
            }
        };
        let work = UnitOfWork::new(operation, Timestamp::from_micros(self.recorded_at));
        let work = self.streams.into_iter().fold(work, |work, (stream, first, events)| {
            let before = StreamVersion::new(first.saturating_sub(1));
            work.append(stream, ExpectedVersion::Exact(before), events)
        });
        work.with_reply(self.reply.into())
    }
}

type Committing = Pin<Box<dyn Future<Output = Result<Commit, CommitError>> + Send>>;

/// A unit that was handed over.
struct UnderWay {
    first: u64,
    last: u64,
    bytes: usize,
    committing: Committing,
}

struct Import<'s, S> {
    store: &'s S,
    /// Of all units: one that fails takes those behind it along, so that none
    /// commits before one that stood in front of it.
    lineage: Lineage,
    under_way: VecDeque<UnderWay>,
    bytes: usize,
    /// Whether positions must be what they were.
    was_empty: bool,
    /// The position that the last unit has reached.
    reached: Position,
    done: Imported,
}

impl<'s, S: EventStore> Import<'s, S> {
    async fn into_store(store: &'s S) -> Result<Self, ArchiveError> {
        let was_empty = store.info().await?.head == Position::NONE;
        Ok(Self {
            store,
            lineage: Lineage::new(),
            under_way: VecDeque::new(),
            bytes: 0,
            was_empty,
            reached: Position::NONE,
            done: Imported::default(),
        })
    }

    async fn commit(&mut self, unit: Gathered) -> Result<(), ArchiveError> {
        while self.under_way.len() >= UNDER_WAY
            || (!self.under_way.is_empty() && self.bytes + unit.bytes > BYTES_UNDER_WAY)
        {
            self.wait().await?;
        }
        self.done.events += unit.last - unit.first + 1;
        self.done.units += 1;
        self.bytes += unit.bytes;
        let (first, last, bytes) = (unit.first, unit.last, unit.bytes);
        let work = unit.into_work().in_lineage(self.lineage.clone());
        let committing = Box::pin(self.store.commit(work));
        self.under_way.push_back(UnderWay { first, last, bytes, committing });
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), ArchiveError> {
        let Some(UnderWay { first, last, bytes, committing }) = self.under_way.pop_front() else {
            return Ok(());
        };
        self.bytes -= bytes;
        let position = Position::new(first);
        let commit = committing.await;
        let commit = commit.map_err(|source| ArchiveError::Commit { position, source })?;
        self.done.repeated += u64::from(commit.is_repeated());
        // Where it is known only later, the store keeps the order of the calls.
        let Some(found) = self.store.position_of(commit.token()).await? else { return Ok(()) };
        let position = Position::new(last);
        if found <= self.reached || (self.was_empty && found != position) {
            // What is under way is of no use in another order.
            self.lineage.sever();
            return Err(ArchiveError::Displaced { position, found });
        }
        self.reached = found;
        Ok(())
    }

    async fn finish(mut self) -> Result<Imported, ArchiveError> {
        while !self.under_way.is_empty() {
            self.wait().await?;
        }
        Ok(self.done)
    }
}
