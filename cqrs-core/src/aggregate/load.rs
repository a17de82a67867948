//! From a stream to a state: the latest usable snapshot, then the events
//! behind it, page by page.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::snapshot::restore;
use super::{Apply, InvalidId};
use crate::error::{Code, ErrorCode};
use crate::event::{DecodeError, Decoded, Event, Lifecycle};
use crate::message::{EventId, Timestamp};
use crate::runtime::Services;
use crate::store::{
    EventStore, InvalidStreamId, Page, Pages, ReadError, ReadRequest, RecordedEvent, Store,
    StreamId, StreamVersion,
};

/// Events of the first page of a stream, and of the largest: small enough
/// that the first can be applied soon and few wait to be.
const FIRST_PAGE: usize = 128;
const LARGEST_PAGE: usize = 512;

/// An aggregate could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The id makes no stream name.
    #[error(transparent)]
    Stream(#[from] InvalidStreamId),
    /// A text is no id.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The store could not be read.
    #[error("stream {stream} cannot be read")]
    Read {
        /// The stream.
        stream: StreamId,
        /// Why.
        source: ReadError,
    },
    /// A stored event cannot be read by this build.
    #[error("event {event} at version {version} of stream {stream} cannot be read")]
    Decode {
        /// The stream.
        stream: StreamId,
        /// Its place in the stream.
        version: StreamVersion,
        /// The event.
        event: EventId,
        /// Why.
        source: DecodeError,
    },
    /// `apply` panicked.
    #[error("apply panicked at version {version} of stream {stream}: {message}")]
    Panicked {
        /// The stream.
        stream: StreamId,
        /// The event's place in the stream.
        version: StreamVersion,
        /// What the panic said.
        message: String,
    },
}

impl LoadError {
    /// Whether the same load may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.is_retryable())
    }
}

impl ErrorCode for LoadError {
    fn code(&self) -> Code {
        match self {
            Self::Stream(_) | Self::Id(_) => Code::INVALID_ID,
            Self::Read { source, .. } => source.code(),
            Self::Decode { source, .. } => source.code(),
            Self::Panicked { .. } => Code::PANICKED,
        }
    }
}

/// How much of a stream to load.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Head,
    Version(StreamVersion),
    Time(Timestamp),
}

/// What the events of a stream have made of a state.
#[derive(Default)]
pub(crate) struct Replayed<A> {
    pub(crate) state: A,
    pub(crate) version: StreamVersion,
    /// The aggregate is deleted: it takes no commands.
    pub(crate) deleted: bool,
    /// There are events that this build does not know. A state like that is
    /// never stored: a build that knows them would trust it.
    pub(crate) partial: bool,
}

/// Loads a state and its version.
pub(crate) async fn load<A: Apply>(
    store: &Store,
    services: &Services,
    stream: &StreamId,
    until: Until,
) -> Result<Replayed<A>, LoadError> {
    let mut replayed = Replayed::default();
    if A::STATE.is_some()
        && !matches!(until, Until::Time(_))
        && let Some((state, version)) = from_snapshot(store, stream, until).await?
    {
        replayed = Replayed { state, version, ..replayed };
    }
    replay(store, services, stream, until, &mut replayed).await?;
    Ok(replayed)
}

/// The state of a snapshot that is usable and not ahead of what is asked for.
async fn from_snapshot<A: Apply>(
    store: &Store,
    stream: &StreamId,
    until: Until,
) -> Result<Option<(A, StreamVersion)>, LoadError> {
    let snapshot = match store.snapshot(stream).await {
        Ok(Some(snapshot)) => snapshot,
        Ok(None) => return Ok(None),
        Err(error) => {
            tracing::warn!(%stream, %error, "snapshot ignored: it cannot be read");
            return Ok(None);
        }
    };
    let version = snapshot.version();
    if matches!(until, Until::Version(wanted) if wanted < version) {
        return Ok(None);
    }
    match restore::<A>(&snapshot) {
        Ok(state) if is_within(store, stream, version).await? => Ok(Some((state, version))),
        Ok(_) => {
            tracing::warn!(%stream, %version, "snapshot ignored: it is ahead of its stream");
            Ok(None)
        }
        Err(reason) => {
            tracing::warn!(%stream, %version, reason, "snapshot ignored");
            Ok(None)
        }
    }
}

async fn is_within(
    store: &Store,
    stream: &StreamId,
    version: StreamVersion,
) -> Result<bool, LoadError> {
    let head = store.stream_head(stream).await;
    head.map(|head| version <= head)
        .map_err(|source| LoadError::Read { stream: stream.clone(), source })
}

async fn replay<A: Apply>(
    store: &Store,
    services: &Services,
    stream: &StreamId,
    until: Until,
    replayed: &mut Replayed<A>,
) -> Result<(), LoadError> {
    let mut request = ReadRequest::stream(stream.clone()).after(replayed.version.get());
    match until {
        Until::Head => {}
        Until::Version(last) => request = request.before(last.get() + 1),
        Until::Time(last) => {
            let end = last.plus(std::time::Duration::from_micros(1));
            request = request.recorded(Timestamp::MIN..end);
        }
    }
    let mut pages = Pages::new(store, request.limit(FIRST_PAGE), LARGEST_PAGE);
    while let Some(page) = pages.next().await {
        let page = page.map_err(|source| LoadError::Read { stream: stream.clone(), source })?;
        apply(services, replayed, stream, &page)?;
    }
    Ok(())
}

/// Applies a page; the version is that of the event that was applied last, or
/// that panicked.
fn apply<A: Apply>(
    services: &Services,
    replayed: &mut Replayed<A>,
    stream: &StreamId,
    page: &Page,
) -> Result<(), LoadError> {
    let applied = catch_unwind(AssertUnwindSafe(|| {
        page.try_each(|event| {
            replayed.version = event.version();
            match A::Event::decode(event) {
                Ok(Decoded::One(decoded)) => replayed.state.apply(&decoded),
                Ok(Decoded::Many(many)) => many.iter().for_each(|one| replayed.state.apply(one)),
                Ok(Decoded::Unknown(kept)) => {
                    replayed.partial = true;
                    replayed.state.apply(&kept);
                }
                other => aside(services, replayed, stream, event, other.map(drop))?,
            }
            Ok(())
        })
    }));
    applied.unwrap_or_else(|panic| {
        let (stream, version) = (stream.clone(), replayed.version);
        Err(LoadError::Panicked { stream, version, message: panic_message(&*panic) })
    })
}

/// Takes in an event that is none of the aggregate's own.
fn aside<A>(
    services: &Services,
    replayed: &mut Replayed<A>,
    stream: &StreamId,
    event: &RecordedEvent,
    decoded: Result<(), DecodeError>,
) -> Result<(), LoadError> {
    match (Lifecycle::of(event), decoded) {
        (Some(lifecycle), _) => replayed.deleted = lifecycle == Lifecycle::Deleted,
        (None, Ok(())) => {
            replayed.partial = true;
            services.skips.count(event);
        }
        (None, Err(source)) => {
            let (stream, version) = (stream.clone(), event.version());
            return Err(LoadError::Decode { stream, version, event: event.id(), source });
        }
    }
    Ok(())
}

/// What a panic said, as far as it is text.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
