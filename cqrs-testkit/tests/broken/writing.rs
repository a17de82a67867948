//! Faults in what is written.

use cqrs_core::store::{
    Epoch, EventQuery, EventStore, EventTypeName, ExpectedVersion, Operation, Position, Snapshot,
    StateShape, StreamId, Tag, memory::MemoryStore,
};
use cqrs_core::{TenantId, Timestamp};

use crate::fault::Fault;
use crate::now;
use crate::parts::{Event, Unit, each_item, item, new_with, of_new};

/// Changes a unit as the fault would, before the sound store gets it.
pub(crate) fn change(fault: Fault, unit: &mut Unit, store: &MemoryStore) {
    change_streams(fault, unit, store);
    change_guards(fault, unit);
    change_operation(fault, unit);
    change_snapshots(fault, unit, store);
    change_rows(fault, unit);
    change_advance(fault, unit, store);
    for (stream, _, events) in &mut unit.streams {
        *stream = name(fault, stream);
        for event in events {
            let mut parts = of_new(event);
            change_event(fault, &mut parts);
            *event = new_with(event, parts);
        }
    }
    if fault == Fault::KeepsNoTimeBefore1970 {
        unit.now = unit.now.max(Timestamp::EPOCH);
    }
}

fn change_streams(fault: Fault, unit: &mut Unit, store: &MemoryStore) {
    use ExpectedVersion::{Any, Exact, Exists, NoStream};
    for (stream, expected, events) in &mut unit.streams {
        let head = now(store.stream_head(stream)).expect("memory can be read");
        *expected = match (fault, *expected) {
            (Fault::IgnoresVersions, _)
            | (Fault::TakesExistsForAny, Exists)
            | (Fault::TakesNoStreamForAny, NoStream) => Any,
            (Fault::TakesExactForAtLeast, Exact(version)) if head >= version => Any,
            (Fault::RefusesAnyOnNewStreams, Any) => Exists,
            (_, expected) => expected,
        };
        if fault == Fault::ReversesABatch {
            events.reverse();
        }
    }
    if fault == Fault::SkipsStreamsThatAreOnlyChecked {
        unit.streams.retain(|(_, _, events)| !events.is_empty());
    }
    if fault == Fault::DropsTheLastStream && unit.streams.len() > 2 {
        unit.streams.pop();
    }
    if fault == Fault::MergesAStreamThatStandsTwice {
        let mut merged: Vec<(StreamId, ExpectedVersion, Vec<_>)> = Vec::new();
        for (stream, expected, events) in unit.streams.drain(..) {
            match merged.iter_mut().find(|(one, _, _)| *one == stream) {
                Some((_, _, before)) => before.extend(events),
                None => merged.push((stream, expected, events)),
            }
        }
        unit.streams = merged;
    }
}

fn change_guards(fault: Fault, unit: &mut Unit) {
    let rows_alone = unit.streams.is_empty();
    match fault {
        Fault::IgnoresGuards => unit.guards.clear(),
        Fault::GuardsByTheFirstGuard => unit.guards.truncate(1),
        Fault::GuardsOnlyUnitsWithEvents if rows_alone => unit.guards.clear(),
        _ => {}
    }
    for (query, after) in &mut unit.guards {
        *query = match fault {
            Fault::GuardsByTypeAlone => each_item(query, |one| item(one.event_types(), &[])),
            Fault::GuardsByTagAlone => each_item(query, |one| item(&[], one.tags())),
            Fault::GuardsByOneTagOfTwo => each_item(query, |one| {
                item(one.event_types(), &one.tags()[..one.tags().len().min(1)])
            }),
            Fault::GuardsByTheFirstType => each_item(query, |one| {
                item(&one.event_types()[..one.event_types().len().min(1)], one.tags())
            }),
            Fault::GuardsByTheFirstAlternative => {
                query.items().iter().take(1).cloned().fold(EventQuery::all(), EventQuery::or)
            }
            Fault::GuardsByTagInAnyCase => each_item(query, |one| {
                let lower = |tag: &Tag| Tag::parse(&tag.as_str().to_lowercase()).expect("a tag");
                item(one.event_types(), &one.tags().iter().map(lower).collect::<Vec<_>>())
            }),
            _ => query.clone(),
        };
        if fault == Fault::GuardsFromTheBoundItself {
            *after = Position::new(after.get().saturating_sub(1));
        }
    }
}

fn change_operation(fault: Fault, unit: &mut Unit) {
    let operation = unit.operation;
    let events = || unit.streams.iter().flat_map(|(_, _, events)| events);
    let fingerprint = || unit.clone().into_work().fingerprint();
    unit.operation = match fault {
        Fault::ForgetsOperations => Operation::fresh(operation.id()),
        Fault::ForgetsOperationsWithoutEvents if events().next().is_none() => {
            Operation::fresh(operation.id())
        }
        Fault::ComparesEventIds => {
            let ids = events().map(|event| event.id().as_uuid().as_u128());
            operation.with_fingerprint(ids.fold(0, |all, id| all ^ id))
        }
        Fault::CutsFingerprints => operation.with_fingerprint(fingerprint() & u128::from(u64::MAX)),
        _ => operation,
    };
    if fault == Fault::ForgetsReplies {
        unit.reply = bytes::Bytes::new();
    }
}

fn change_snapshots(fault: Fault, unit: &mut Unit, store: &MemoryStore) {
    let given = std::mem::take(&mut unit.snapshots);
    for snapshot in given {
        let kept = now(store.snapshot(snapshot.stream())).expect("memory can be read");
        let newer = kept.as_ref().is_some_and(|kept| kept.version() > snapshot.version());
        match fault {
            Fault::KeepsTheOldestSnapshot if kept.is_some() => continue,
            Fault::KeepsSnapshotsOfOldShapes if newer => continue,
            // A snapshot of another shape in between makes room.
            Fault::LetsOlderSnapshotsReplace => {
                let shape = StateShape { version: 999, fingerprint: 999 };
                unit.snapshots.push(with(&snapshot, snapshot.stream().clone(), shape, None));
            }
            _ => {}
        }
        let stream = match fault {
            Fault::MixesSnapshotsOfTenants => without_tenant(snapshot.stream()),
            _ => snapshot.stream().clone(),
        };
        let rounded = Timestamp::from_micros(snapshot.taken_at().as_micros() / 1_000_000_000);
        let taken_at = (fault == Fault::RoundsTheTimeOfSnapshots).then_some(rounded);
        unit.snapshots.push(with(&snapshot, stream, snapshot.shape(), taken_at));
    }
}

/// The snapshot with another stream, shape and time.
pub(crate) fn with(
    snapshot: &Snapshot,
    stream: StreamId,
    shape: StateShape,
    taken_at: Option<Timestamp>,
) -> Snapshot {
    let (version, encoding) = (snapshot.version(), snapshot.encoding().clone());
    let taken_at = taken_at.unwrap_or(snapshot.taken_at());
    Snapshot::new(stream, version, shape, encoding, snapshot.data().clone(), taken_at)
}

pub(crate) fn without_tenant(stream: &StreamId) -> StreamId {
    StreamId::new(stream.category().clone(), stream.key()).expect("it was well-formed")
}

fn change_rows(fault: Fault, unit: &mut Unit) {
    match fault {
        Fault::ReversesWritesOfRows => unit.rows.reverse(),
        Fault::IgnoresClear => unit.rows.retain(|(_, key, _)| key.is_some()),
        Fault::IgnoresDelete => {
            unit.rows.retain(|(_, key, value)| key.is_none() || value.is_some())
        }
        Fault::ForgetsUnitsOfRows if unit.streams.is_empty() => unit.rows.clear(),
        _ => {}
    }
    for (table, key, value) in &mut unit.rows {
        *table = crate::rows::table(fault, table);
        *key = key.as_deref().map(|key| crate::rows::key(fault, key));
        if fault == Fault::TakesEmptyRowsForNone && value.as_ref().is_some_and(|v| v.is_empty()) {
            *value = None;
        }
        if let (Fault::TakesRowsForText, Some(value)) = (fault, value) {
            *value = lossy(value);
        }
    }
}

fn change_advance(fault: Fault, unit: &mut Unit, store: &MemoryStore) {
    let Some((name, epoch, to)) = &mut unit.advance else { return };
    *name = crate::rows::checkpoint(fault, name);
    let kept = now(store.checkpoint(name)).expect("memory can be read");
    let actual = kept.as_ref().map_or(Epoch::default(), |kept| kept.epoch);
    match fault {
        Fault::AcceptsStaleEpochs if *epoch < actual => *epoch = actual,
        Fault::AcceptsEpochsThatAreAhead if *epoch > actual => *epoch = actual,
        Fault::AcceptsUnclaimedCheckpoints if kept.is_none() => *epoch = actual,
        Fault::NeverMovesBack => {
            let place = kept.and_then(|kept| kept.cursor);
            let key = |cursor: &Option<cqrs_core::store::Cursor>| cursor.map(|one| one.position);
            if key(&place) > key(to) {
                *to = place;
            }
        }
        _ => {}
    }
}

pub(crate) fn lossy(bytes: &[u8]) -> bytes::Bytes {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The name under which the fault keeps a stream.
pub(crate) fn name(fault: Fault, stream: &StreamId) -> StreamId {
    let (tenant, category, key) =
        (stream.tenant().as_str(), stream.category().as_str(), stream.key());
    let parts = match fault {
        Fault::FoldsKeys => (tenant.to_owned(), category.to_owned(), key.to_lowercase()),
        Fault::TrimsKeys if !key.trim().is_empty() => {
            (tenant.to_owned(), category.to_owned(), key.trim().to_owned())
        }
        Fault::FoldsCategories => (tenant.to_owned(), category.to_lowercase(), key.to_owned()),
        Fault::FoldsTenants => (tenant.to_lowercase(), category.to_owned(), key.to_owned()),
        Fault::JoinsNamesBySlashes => {
            let joined = format!("{tenant}/{category}/{key}");
            (String::new(), "joined".to_owned(), joined.trim_start_matches('/').to_owned())
        }
        _ => return stream.clone(),
    };
    let folded = StreamId::of_tenant(TenantId::from(parts.0), parts.1, parts.2);
    folded.unwrap_or_else(|_| stream.clone())
}

fn change_event(fault: Fault, event: &mut Event) {
    match fault {
        Fault::FoldsTypes => event.event_type = event.event_type.to_lowercase(),
        Fault::FoldsEncodings => event.encoding = event.encoding.to_lowercase(),
        Fault::EndsPayloadsAtNull => {
            let end = event.payload.iter().position(|byte| *byte == 0);
            event.payload.truncate(end.unwrap_or(event.payload.len()));
        }
        Fault::TakesPayloadsForText => event.payload = lossy(&event.payload),
        Fault::TakesMetadataForText => event.details = lossy(&event.details),
        Fault::KeepsVersionsIn31Bits => event.schema = event.schema.min(i32::MAX as u32),
        Fault::SortsTags => {
            let mut tags: Vec<_> = event.tags.lines().collect();
            tags.sort_unstable();
            tags.dedup();
            event.tags = tags.join("\n");
        }
        Fault::TrimsTags => event.tags = event.tags.trim().to_owned(),
        Fault::AcceptsIllFormedNames => {
            let well_formed = EventTypeName::from("well-formed").as_str().to_owned();
            let ill = |name: &str| name.is_empty() || name.bytes().any(|b| b.is_ascii_control());
            if ill(&event.event_type) {
                event.event_type = well_formed;
            }
        }
        _ => {}
    }
}
