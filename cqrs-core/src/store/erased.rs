//! A store behind a pointer, so that an application need not be generic.

use std::any::Any;
use std::fmt;
use std::future::Ready;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitToken, CommitWatch, Direction,
    EventStore, Holder, Lease, LeaseError, LeaseName, Limits, LogInfo, Page, Position, ReadError,
    ReadRequest, RecordedOperation, Snapshot, StreamId, StreamVersion, TableName, UnitOfWork,
};
use crate::message::OperationId;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type Outcome = Result<Commit, CommitError>;

/// A commit under way.
pub(crate) enum Committing {
    /// The store does not wait, and the outcome stands already.
    Ready(Option<Outcome>),
    Boxed(Boxed<'static, Outcome>),
}

impl Committing {
    /// A store whose future is [`Ready`] needs no box around it.
    fn new(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        let mut future = Some(future);
        let any: &mut dyn Any = &mut future;
        if let Some(ready) = any.downcast_mut::<Option<Ready<Outcome>>>() {
            return Self::Ready(ready.take().map(Ready::into_inner));
        }
        // One that is behind a pointer already stays as it is.
        if let Some(committing) = any.downcast_mut::<Option<Self>>()
            && let Some(committing) = committing.take()
        {
            return committing;
        }
        Self::Boxed(Box::pin(future.expect("it is taken out only above")))
    }

    /// The outcome, if it stands already.
    pub(crate) fn now(&mut self) -> Option<Outcome> {
        match self {
            Self::Ready(outcome) => outcome.take(),
            Self::Boxed(_) => None,
        }
    }
}

impl Future for Committing {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        match &mut *self {
            Self::Ready(outcome) => Poll::Ready(outcome.take().expect("polled once it was ready")),
            Self::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

/// Any [`EventStore`], cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<dyn Erased>);

macro_rules! erase {
    ($($name:ident($($arg:ident: $by:ident $ty:ty),*) -> $out:ty;)*) => {
        trait Erased: Send + Sync {
            fn limits(&self) -> &Limits;
            fn commit(&self, work: UnitOfWork) -> Committing;
            fn watch(&self) -> CommitWatch;
            $(fn $name<'a>(&'a self, $($arg: erase!(@$by 'a $ty)),*) -> Boxed<'a, $out>;)*
        }

        impl<S: EventStore> Erased for S {
            fn limits(&self) -> &Limits {
                EventStore::limits(self)
            }
            fn commit(&self, work: UnitOfWork) -> Committing {
                Committing::new(EventStore::commit(self, work))
            }
            fn watch(&self) -> CommitWatch {
                EventStore::watch(self)
            }
            $(fn $name<'a>(&'a self, $($arg: erase!(@$by 'a $ty)),*) -> Boxed<'a, $out> {
                Box::pin(EventStore::$name(self, $($arg),*))
            })*
        }

        impl EventStore for Store {
            fn limits(&self) -> &Limits {
                self.0.limits()
            }
            fn commit(
                &self,
                work: UnitOfWork,
            ) -> impl Future<Output = Outcome> + Send + 'static {
                self.0.commit(work)
            }
            fn watch(&self) -> CommitWatch {
                self.0.watch()
            }
            $(async fn $name(&self, $($arg: erase!(@$by $ty)),*) -> $out {
                self.0.$name($($arg),*).await
            })*
        }
    };
    (@by_ref $life:lifetime $ty:ty) => { &$life $ty };
    (@by_value $life:lifetime $ty:ty) => { $ty };
    (@by_ref $ty:ty) => { &$ty };
    (@by_value $ty:ty) => { $ty };
}

erase! {
    info() -> Result<LogInfo, ReadError>;
    resolve(operation: by_value OperationId) -> Result<Option<Commit>, ReadError>;
    operations(after: by_value Position, limit: by_value usize) -> Result<Vec<RecordedOperation>, ReadError>;
    read(request: by_value ReadRequest) -> Result<Page, ReadError>;
    stream_head(stream: by_ref StreamId) -> Result<StreamVersion, ReadError>;
    position_of(token: by_ref CommitToken) -> Result<Option<Position>, ReadError>;
    snapshot(stream: by_ref StreamId) -> Result<Option<Snapshot>, ReadError>;
    checkpoint(name: by_ref CheckpointName) -> Result<Option<Checkpoint>, ReadError>;
    claim_checkpoint(name: by_ref CheckpointName) -> Result<Checkpoint, CommitError>;
    acquire_lease(
        name: by_ref LeaseName,
        holder: by_ref Holder,
        ttl: by_value Duration
    ) -> Result<Option<Lease>, LeaseError>;
    renew_lease(lease: by_ref Lease, ttl: by_value Duration) -> Result<Lease, LeaseError>;
    release_lease(lease: by_ref Lease) -> Result<(), LeaseError>;
    leases(prefix: by_ref str) -> Result<Vec<Lease>, ReadError>;
    row(table: by_ref TableName, key: by_ref [u8]) -> Result<Option<Bytes>, ReadError>;
    rows(
        table: by_ref TableName,
        range: by_value (Bound<Bytes>, Bound<Bytes>),
        direction: by_value Direction,
        limit: by_value usize
    ) -> Result<Vec<(Bytes, Bytes)>, ReadError>;
}

impl Store {
    /// Puts a store behind a pointer.
    #[must_use]
    pub fn new(store: impl EventStore) -> Self {
        Self(Arc::new(store))
    }

    /// As [`EventStore::commit`], with the future in its one box at most.
    pub(crate) fn submit(&self, work: UnitOfWork) -> Committing {
        self.0.commit(work)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
