//! Faults in how a unit is committed.

use std::pin::Pin;
use std::sync::atomic::Ordering;

use cqrs_core::Timestamp;
use cqrs_core::message::Encoding;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, EventStore, ExpectedVersion, Operation,
    Snapshot, StateShape, StreamId, StreamVersion, UnitOfWork,
};
use tokio::task::yield_now;

use crate::fault::Fault;
use crate::parts::Unit;
use crate::store::{Broken, refuses_empty};
use crate::{leases, now, rows, writing};

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Commit, CommitError>> + Send>>;

/// Commits in the call, with the store's fault.
pub(crate) fn commit(store: &Broken, work: UnitOfWork) -> Result<Commit, CommitError> {
    let fault = store.fault;
    if fault == Fault::None {
        return now(store.inner.commit(work));
    }
    let strict = fault != Fault::IgnoresLineage;
    let severed =
        fault == Fault::SeversEveryLineage && store.shared.severed.load(Ordering::Acquire);
    if strict && (work.is_superseded() || severed) {
        return Err(CommitError::Superseded);
    }
    let answer = attempt(store, &work);
    sever(store, &work, &answer);
    answer.map(|commit| receipt(fault, &work, commit))
}

/// Breaks the lineage of a unit as the fault sees it.
fn sever(store: &Broken, work: &UnitOfWork, answer: &Result<Commit, CommitError>) {
    let severs = match (store.fault, answer) {
        (Fault::SeversForConflictsAlone, Err(error)) => {
            matches!(error, CommitError::Conflict { .. })
        }
        (Fault::SeversAfterSuccess, _) => true,
        (Fault::SeversForARepeat, Ok(commit)) => commit.is_repeated(),
        (_, answer) => answer.is_err(),
    };
    if severs {
        work.sever_lineage();
        store.shared.severed.store(true, Ordering::Release);
    }
}

fn attempt(store: &Broken, work: &UnitOfWork) -> Result<Commit, CommitError> {
    let fault = store.fault;
    let mut unit = Unit::of(work);
    if fault == Fault::RefusesEmptyUnits && unit.is_empty() {
        return Err(refuses_empty());
    }
    if let Some(refusal) = refused(store, work) {
        return Err(refusal);
    }
    writing::change(fault, &mut unit, &store.inner);
    leases::change(store, &mut unit);
    if fault == Fault::WritesStreamByStream {
        return stream_by_stream(store, unit);
    }
    let answer = now(store.inner.commit(unit.clone().into_work()));
    match &answer {
        Ok(commit) => after_success(store, &unit, commit),
        Err(_) => after_refusal(store, &unit),
    }
    match (fault, answer) {
        (Fault::AcceptsReusedOperations, Err(CommitError::OperationReused { operation })) => {
            let recorded = now(store.inner.resolve(operation)).expect("memory can be read");
            Ok(recorded.expect("a reused operation is recorded").repeated())
        }
        (
            Fault::MisreportsTheActualVersion,
            Err(CommitError::Conflict { stream, expected, .. }),
        ) => Err(CommitError::Conflict { stream, expected, actual: StreamVersion::NONE }),
        (_, answer) => answer,
    }
}

/// Refuses by a fault what the sound store would accept.
fn refused(store: &Broken, work: &UnitOfWork) -> Option<CommitError> {
    match store.fault {
        Fault::RefusesFencedUnits | Fault::ChecksBeforeItRemembers if work.fence().is_some() => {
            leases::refusal(store, work)
        }
        Fault::ChecksBeforeItRemembers => work.streams().iter().find_map(|append| {
            let actual = now(store.inner.stream_head(append.stream())).ok()?;
            let (stream, expected) = (append.stream().clone(), append.expected());
            let refused = !expected.is_met_by(actual);
            refused.then_some(CommitError::Conflict { stream, expected, actual })
        }),
        Fault::GuardsAgainstOwnEvents => work.guards().iter().find_map(|guard| {
            let events = work.streams().iter().flat_map(|append| append.events());
            let mut own = events.map(|one| (one.event_type().as_str(), one.tags()));
            let hit = own.any(|(name, tags)| guard.query().matches(name, tags));
            let (at, read_to) = (store.head().next(), guard.after());
            hit.then_some(CommitError::QueryConflict { at, read_to })
        }),
        _ => None,
    }
}

/// Writes each stream on its own until one does not fit.
fn stream_by_stream(store: &Broken, unit: Unit) -> Result<Commit, CommitError> {
    let mut rest = unit.clone();
    if rest.streams.len() > 1 && rest.advance.is_none() {
        let last = rest.streams.pop().expect("there are several");
        for stream in std::mem::replace(&mut rest.streams, vec![last]) {
            let fresh = Operation::fresh(unit.operation.id());
            let part = Unit { streams: vec![stream], operation: fresh, ..unit.emptied() };
            now(store.inner.commit(part.into_work()))?;
        }
    }
    now(store.inner.commit(rest.into_work()))
}

fn after_success(store: &Broken, unit: &Unit, commit: &Commit) {
    let again = match (store.fault, &unit.advance) {
        (Fault::WritesRowsOfARepeat, _) if commit.is_repeated() => {
            let fresh = Operation::fresh(unit.operation.id());
            Unit { rows: unit.rows.clone(), operation: fresh, ..unit.emptied() }
        }
        (Fault::RaisesTheEpochWithEachAdvance, Some((name, ..))) => {
            now(store.inner.claim_checkpoint(name)).expect("memory can be written");
            return;
        }
        _ => return,
    };
    let _written = now(store.inner.commit(again.into_work()));
}

fn after_refusal(store: &Broken, unit: &Unit) {
    let fresh = Operation::fresh(unit.operation.id());
    let left = match store.fault {
        Fault::KeepsRowsOfARefusedUnit => {
            Unit { rows: unit.rows.clone(), operation: fresh, ..unit.emptied() }
        }
        Fault::KeepsSnapshotsOfARefusedUnit => {
            Unit { snapshots: unit.snapshots.clone(), operation: fresh, ..unit.emptied() }
        }
        Fault::RecordsRefusedOperations => unit.emptied(),
        _ => return,
    };
    let _left = now(store.inner.commit(left.into_work()));
}

fn receipt(fault: Fault, work: &UnitOfWork, commit: Commit) -> Commit {
    let streams = match fault {
        Fault::ForgetsStreamsInTheReceipt => Vec::new(),
        _ => commit.streams().to_vec(),
    };
    let recorded_at = match fault {
        Fault::LetsRecordedTimeGoBack => work.recorded_at(),
        _ => commit.recorded_at(),
    };
    let changed = Commit::new(commit.operation(), streams, commit.token().clone(), recorded_at);
    let changed = changed.with_record(commit.fingerprint(), commit.reply().clone());
    if commit.is_repeated() { changed.repeated() } else { changed }
}

/// Checks conditions, lets others run, then writes without them.
pub(crate) async fn racy(store: &Broken, work: UnitOfWork) -> Result<Commit, CommitError> {
    let unit = Unit::of(&work);
    let given = !work.operation().is_fresh();
    let known = now(store.inner.resolve(work.operation().id())).expect("memory can be read");
    let checked = Unit {
        streams: unit.streams.iter().map(|(id, at, _)| (id.clone(), *at, Vec::new())).collect(),
        guards: unit.guards.clone(),
        operation: Operation::fresh(work.operation().id()),
        ..unit.emptied()
    };
    if !(given && known.is_some()) {
        now(store.inner.commit(checked.into_work())).inspect_err(|_| work.sever_lineage())?;
        for _ in 0..20 {
            yield_now().await;
        }
        let mut unit = unit;
        unit.guards.clear();
        unit.operation = Operation::fresh(unit.operation.id());
        unit.streams.iter_mut().for_each(|(_, expected, _)| *expected = ExpectedVersion::Any);
        return now(store.inner.commit(unit.into_work()));
    }
    now(store.inner.commit(work))
}

/// Commits the rows in units of their own, some time after the events.
pub(crate) async fn rows_later(store: &Broken, work: UnitOfWork) -> Result<Commit, CommitError> {
    let mut unit = Unit::of(&work);
    let rows = std::mem::take(&mut unit.rows);
    let later = unit.emptied();
    let commit = now(store.inner.commit(unit.into_work()))?;
    for row in rows {
        for _ in 0..5 {
            yield_now().await;
        }
        let fresh = Operation::fresh(later.operation.id());
        let row = Unit { rows: vec![row], operation: fresh, ..later.clone() };
        now(store.inner.commit(row.into_work()))?;
    }
    Ok(commit)
}

pub(crate) async fn claim(
    store: &Broken,
    name: &CheckpointName,
) -> Result<Checkpoint, CommitError> {
    let own = rows::checkpoint(store.fault, name);
    let before = store.inner.checkpoint(&own).await.expect("memory can be read");
    if store.fault == Fault::ChecksFirstAndWritesLater {
        yield_now().await;
    }
    if let (Fault::ClaimsWithoutRaising, Some(before)) = (store.fault, &before) {
        return Ok(before.clone());
    }
    let mut claimed = store.inner.claim_checkpoint(&own).await?;
    if store.fault == Fault::ForgetsThePlaceWhenClaimed {
        claimed.cursor = None;
    }
    if store.fault == Fault::ChecksFirstAndWritesLater {
        claimed.epoch = cqrs_core::store::Epoch::new(before.map_or(0, |one| one.epoch.get()) + 1);
    }
    Ok(Checkpoint { name: name.clone(), ..claimed })
}

pub(crate) fn made_up_snapshot(stream: &StreamId) -> Snapshot {
    let (shape, json) = (StateShape { version: 0, fingerprint: 0 }, Encoding::JSON);
    let version = StreamVersion::NONE;
    Snapshot::new(stream.clone(), version, shape, json, bytes::Bytes::new(), Timestamp::EPOCH)
}
