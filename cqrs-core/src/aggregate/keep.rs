//! When an aggregate's state is stored: with the unit that changes it, or
//! behind the command's back.

use std::sync::Arc;
use std::time::Duration;

use super::cache::Loaded;
use super::load::{Replayed, Until, load};
use super::{AggregateRuntime, Apply};
use crate::Timestamp;
use crate::bus::BusError;
use crate::event::Event;
use crate::store::{EventStore, Operation, Snapshot, StreamId, StreamVersion, UnitOfWork};

/// Snapshots that may be under way at once.
const SNAPSHOT_JOBS: usize = 4;

impl<A: Apply> AggregateRuntime<A> {
    pub(super) fn stored_state(
        &self,
        loaded: &Loaded<A>,
        stream: &StreamId,
        now: Timestamp,
    ) -> Result<Snapshot, BusError> {
        let codec = A::STATE.expect("the derive gives a stored state its codec");
        codec.take(&loaded.state, stream, loaded.version, now).map_err(|source| {
            loaded.lineage.sever();
            BusError::Encode { event_type: A::NAME.to_owned(), source }
        })
    }

    pub(super) fn snapshot_due(
        &self,
        loaded: &mut Loaded<A>,
        from: StreamVersion,
        events: &[A::Event],
    ) -> bool {
        if A::SNAPSHOTS.is_never() || A::STATE.is_none() || A::STATE_STORED || loaded.partial {
            return false;
        }
        let now = self.services.clock.monotonic();
        let types = events.iter().map(|event| event.event_type().name);
        let age: Duration = now.saturating_sub(loaded.last_snapshot);
        let due = A::SNAPSHOTS.is_due(from, loaded.version, types, age);
        if due {
            loaded.last_snapshot = now;
        }
        due
    }

    /// Takes a snapshot behind the command's back. Losing one costs a longer
    /// replay and nothing else. At the version of a command whose state was
    /// whole, the state is whole and not deleted.
    pub(super) fn take_snapshot(&self, stream: StreamId, version: StreamVersion) {
        let (store, services) = (self.store.clone(), Arc::clone(&self.services));
        let task = async move {
            let taken = async {
                let until = Until::Version(version);
                let Replayed { state, version: at, .. } =
                    load::<A>(&store, &services, &stream, until).await?;
                let codec = A::STATE.expect("a snapshot is due only when the state has a codec");
                let now = services.now();
                let Ok(snapshot) = codec.take(&state, &stream, at, now) else {
                    tracing::warn!(%stream, %version, "snapshot left out: the state cannot be stored");
                    return Ok(());
                };
                let operation = Operation::fresh(services.id(now).into());
                let work = UnitOfWork::new(operation, now).save(snapshot);
                store.commit(work).await.map(drop).map_err(BusError::from)
            };
            let taken: Result<(), BusError> = taken.await;
            if let Err(error) = taken {
                tracing::warn!(%version, %error, "snapshot left out");
            }
        };
        self.tasks.job("snapshot", SNAPSHOT_JOBS, Box::pin(task));
    }
}
