//! Aggregates for handlers that need more than one decision: load, look,
//! record, save, one stream or several in one unit of work.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::load::{LoadError, Until, load};
use super::root::Ending;
use super::{Aggregate, AggregateRuntime, Apply, LifecycleError, Root};
use crate::bus::Context;
use crate::error::{Code, ErrorCode, report};
use crate::event::Event;
use crate::message::{Codec, CodecError, EventId, Timestamp};
use crate::runtime::Services;
use crate::schema::{Mismatch, check};
use crate::store::{
    Cause, Commit, CommitError, EventStore, ExpectedVersion, Few, InvalidInput, NewEvent,
    Operation, Position, RecordedEvent, StreamId, StreamVersion, UnitOfWork,
};

/// The aggregates of one type, as a handler's parameter.
pub struct Repository<A: Aggregate> {
    runtime: Arc<AggregateRuntime<A>>,
    ctx: Context,
}

/// Events could not be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// An event cannot be stored so that it can be read back.
    #[error("event `{event_type}` cannot be stored")]
    Encode {
        /// The event's stored name.
        event_type: String,
        /// What the codec says.
        source: CodecError,
    },
    /// A tag of an event is not well-formed.
    #[error("a tag of event `{event_type}` cannot be stored")]
    Tag {
        /// The event's stored name.
        event_type: String,
        /// What is wrong.
        source: InvalidInput,
    },
    /// An event is not one that the domain allows.
    #[error("event `{event_type}` is refused by its check: {reason}")]
    Refused {
        /// The event's stored name.
        event_type: String,
        /// What the check says.
        reason: String,
    },
    /// An event is encoded as something else than its shape says.
    #[error("event `{event_type}` is not encoded as its shape says")]
    Shape {
        /// The event's stored name.
        event_type: String,
        /// Where, and what is wrong there.
        source: Mismatch,
    },
    /// Events were recorded for an aggregate that is deleted.
    #[error("aggregate {stream} is deleted: restore it before it records events")]
    Deleted {
        /// Its stream.
        stream: StreamId,
    },
    /// The store did not commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl ErrorCode for SaveError {
    fn code(&self) -> Code {
        match self {
            Self::Encode { .. } | Self::Tag { .. } => Code::EVENT_NOT_STORABLE,
            Self::Refused { .. } => Code::EVENT_REFUSED,
            Self::Shape { .. } => Code::EVENT_SHAPE,
            Self::Deleted { .. } => Code::AGGREGATE_DELETED,
            Self::Commit(error) => error.code(),
        }
    }
}

impl SaveError {
    /// Whether the roots lost against another writer: load and decide again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Commit(error) if error.is_conflict())
    }
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Self { runtime: Arc::clone(&self.runtime), ctx: self.ctx.clone() }
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({})", A::NAME)
    }
}

impl<A: Apply> Repository<A> {
    pub(crate) fn new(runtime: Arc<AggregateRuntime<A>>, ctx: Context) -> Self {
        Self { runtime, ctx }
    }

    pub(crate) fn within(&self, ctx: &Context) -> Self {
        Self { runtime: Arc::clone(&self.runtime), ctx: ctx.clone() }
    }

    /// Loads an aggregate; one without events is its default state at
    /// version 0.
    ///
    /// # Errors
    ///
    /// [`LoadError`]. # Cancel safety: dropping the future changes nothing.
    pub async fn load(&self, id: &A::Id) -> Result<Root<A>, LoadError> {
        self.load_until(id, Until::Head).await
    }

    /// Loads an aggregate as it was after `version`, or at its head if that
    /// lies below.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub async fn load_at(&self, id: &A::Id, version: StreamVersion) -> Result<Root<A>, LoadError> {
        self.load_until(id, Until::Version(version)).await
    }

    /// Loads an aggregate as the store had recorded it at `time`, that moment
    /// included.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub async fn load_as_of(&self, id: &A::Id, time: Timestamp) -> Result<Root<A>, LoadError> {
        self.load_until(id, Until::Time(time)).await
    }

    async fn load_until(&self, id: &A::Id, until: Until) -> Result<Root<A>, LoadError> {
        let stream = self.runtime.stream(id, &self.ctx)?;
        let AggregateRuntime { store, services, .. } = &*self.runtime;
        let replayed = load::<A>(store, services, &stream, until).await?;
        Ok(Root::new(stream, replayed))
    }

    /// Deletes an aggregate, whatever others do to it meanwhile: see
    /// [`Root::delete`].
    ///
    /// # Errors
    ///
    /// [`LifecycleError`] when it is deleted already, has no events, or cannot
    /// be loaded or saved.
    ///
    /// # Cancel safety
    ///
    /// As [`Repository::save`].
    pub async fn delete(
        &self,
        id: &A::Id,
        reason: impl Into<String>,
    ) -> Result<Commit, LifecycleError> {
        let reason = reason.into();
        self.end(id, |root| root.delete(reason.clone())).await
    }

    /// Restores a deleted aggregate, whatever others do to it meanwhile: see
    /// [`Root::restore`].
    ///
    /// # Errors
    ///
    /// [`LifecycleError`] when it is not deleted, or cannot be loaded or
    /// saved.
    ///
    /// # Cancel safety
    ///
    /// As [`Repository::save`].
    pub async fn restore(
        &self,
        id: &A::Id,
        reason: impl Into<String>,
    ) -> Result<Commit, LifecycleError> {
        let reason = reason.into();
        self.end(id, |root| root.restore(reason.clone())).await
    }

    async fn end(
        &self,
        id: &A::Id,
        change: impl Fn(&mut Root<A>) -> Result<(), LifecycleError>,
    ) -> Result<Commit, LifecycleError> {
        let mut lost = 0;
        loop {
            let mut root = self.load(id).await?;
            change(&mut root)?;
            match self.save(&mut root).await {
                Err(error) if error.is_conflict() && lost < self.runtime.retries.get() => lost += 1,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Saves the recorded events of a root, if its stream has not moved.
    ///
    /// # Errors
    ///
    /// [`SaveError`]; the events stay in the root unless they were committed.
    ///
    /// # Cancel safety
    ///
    /// Once the events were handed to the store they commit or not as a whole.
    pub async fn save(&self, root: &mut Root<A>) -> Result<Commit, SaveError> {
        self.save_all(&mut [root]).await
    }

    /// Saves the recorded events of several roots, all or none. A root without
    /// new events is checked to be where it was loaded.
    ///
    /// # Errors
    ///
    /// As [`Repository::save`].
    ///
    /// # Cancel safety
    ///
    /// As [`Repository::save`].
    pub async fn save_all(&self, roots: &mut [&mut Root<A>]) -> Result<Commit, SaveError> {
        let cause = cause(&self.ctx)?;
        let now = cause.occurred_at;
        let services = &self.runtime.services;
        let operation = match self.ctx.next_operation() {
            Some(id) => Operation::given(id),
            None => Operation::fresh(services.id(now).into()),
        };
        let mut work = UnitOfWork::new(operation, now);
        for root in roots.iter() {
            if root.outlives_itself() {
                return Err(SaveError::Deleted { stream: root.stream.clone() });
            }
            let events = encode_root(root, &cause, services)?;
            let expected = ExpectedVersion::Exact(root.version());
            work = work.append_few(root.stream.clone(), expected, events);
        }
        let commit = self.runtime.store.commit(work);
        self.ctx.handed_over(operation.id());
        match commit.await {
            Ok(commit) => {
                roots.iter_mut().for_each(|root| root.saved());
                self.ctx.committed(commit.clone());
                Ok(commit)
            }
            Err(error) => {
                if !matches!(error, CommitError::Unknown { .. }) {
                    self.ctx.came_back();
                }
                Err(error.into())
            }
        }
    }
}

/// What the events of a call share.
pub(crate) fn cause(ctx: &Context) -> Result<Cause, SaveError> {
    ctx.cause().map_err(|source| SaveError::Encode { event_type: "metadata".to_owned(), source })
}

/// Encodes what a root has recorded, in the order of the recording.
fn encode_root<A: Apply>(
    root: &Root<A>,
    cause: &Cause,
    services: &Services,
) -> Result<Few<NewEvent>, SaveError> {
    let Some((before, ending)) = &root.ending else {
        return encode_events(root.uncommitted(), cause, services);
    };
    let (before, behind) = root.uncommitted().split_at(*before);
    let mut events = encode_events(before, cause, services)?.into_vec();
    events.extend(match ending {
        Ending::Deleted(deleted) => encode_events(std::slice::from_ref(deleted), cause, services),
        Ending::Restored(restored) => {
            encode_events(std::slice::from_ref(restored), cause, services)
        }
    }?);
    events.extend(encode_events(behind, cause, services)?);
    Ok(events.into())
}

/// Encodes events with ids of their own.
pub(crate) fn encode_events<E: Event>(
    events: &[E],
    cause: &Cause,
    services: &Services,
) -> Result<Few<NewEvent>, SaveError> {
    let encode = |event: &E| {
        let kind = event.event_type();
        let name = || kind.name.to_owned();
        event.check().map_err(|reason| SaveError::Refused { event_type: name(), reason })?;
        let payload = encoded(|out| event.encode(out))
            .map_err(|source| SaveError::Encode { event_type: name(), source })?;
        let tags = event.tags().map_err(|source| SaveError::Tag { event_type: name(), source })?;
        let id: EventId = services.id(cause.occurred_at).into();
        let (names, encoding) = ((kind.name, kind.version), E::Codec::ENCODING);
        let new = NewEvent::of_command(id, names, encoding, payload, tags, cause);
        if !kind.is_plain {
            is_read_back::<E>(&new)
                .map_err(|source| SaveError::Encode { event_type: name(), source })?;
        }
        if cfg!(feature = "check-shapes") {
            has_its_shape(event, new.payload())?;
        }
        Ok(new)
    };
    match events {
        [one] => Ok(Few::One(encode(one)?)),
        many => many.iter().map(encode).collect::<Result<Vec<_>, _>>().map(Few::from),
    }
}

/// Looks whether an event can be read back, and is then written with the same
/// bytes; their order may differ, as that of a hash map's entries does.
fn is_read_back<E: Event>(event: &NewEvent) -> Result<(), CodecError> {
    let at = (Position::new(1), StreamVersion::new(1));
    let stream = StreamId::new("event", "new").expect("this is a stream name");
    let record = RecordedEvent::new(event.clone(), at.0, stream, at.1, event.occurred_at());
    let read = E::decode(&record).map_err(|error| {
        CodecError::new(format_args!("it could not be read back: {}", report(&error)))
    })?;
    let mut again = Vec::with_capacity(event.payload().len());
    for event in read {
        event.encode(&mut again)?;
    }
    if again != event.payload() {
        let mut stored = event.payload().to_vec();
        again.sort_unstable();
        stored.sort_unstable();
        if again != stored {
            return Err(CodecError::new("it would be read back as another value"));
        }
    }
    Ok(())
}

/// Looks whether an event is encoded as its shape says, which only a
/// serialisation that was written by hand could fail.
fn has_its_shape<E: Event>(event: &E, payload: &[u8]) -> Result<(), SaveError> {
    let kind = event.event_type();
    let event_type = || kind.name.to_owned();
    let value = E::Codec::decode(payload)
        .map_err(|source| SaveError::Encode { event_type: event_type(), source })?;
    check(kind.shape, &value)
        .map_err(|source| SaveError::Shape { event_type: event_type(), source })
}

/// Encodes into a buffer of the thread, so that the bytes are allocated once
/// and at their size.
fn encoded(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<Bytes, CodecError> {
    thread_local! {
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    /// A large event must not keep its buffer for ever.
    const KEPT: usize = 64 << 10;
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let result = encode(&mut buffer).map(|()| Bytes::copy_from_slice(&buffer));
    if buffer.capacity() <= KEPT {
        SCRATCH.set(buffer);
    }
    result
}
