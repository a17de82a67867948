//! The statements that write, with a draft for their arguments.

use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Statement};
use uuid::Uuid;

use super::draft::Draft;
use crate::fault::Outcome;
use crate::identity;
use crate::session::Session;

/// What the server found.
pub(super) struct Found {
    pub(super) written: bool,
    pub(super) head: i64,
    pub(super) recorded: i64,
    pub(super) versions: Vec<i64>,
    pub(super) operations: Vec<Uuid>,
    pub(super) epochs: Vec<i64>,
    pub(super) hits: Vec<Option<i64>>,
    pub(super) tokens: Vec<i64>,
}

/// One column of an argument, NULL when there is nothing in it.
fn some<T>(values: &[T]) -> Option<&[T]> {
    (!values.is_empty()).then_some(values)
}

/// Writes the events of a draft right behind a position, unless another
/// process holds the lock.
pub(super) async fn append(
    session: &Session,
    log: Uuid,
    draft: &Draft<'_>,
    (head, recorded): (i64, i64),
) -> Outcome<bool> {
    let events = &draft.events;
    let positions: Vec<i64> = (head + 1..=head + draft.len()).collect();
    let recorded: Vec<i64> = events.recorded.iter().map(|at| recorded.max(*at)).collect();
    let (tags, places) = &draft.tags;
    let lock = identity::lock_key(log);
    if draft.len() == 1 && tags.is_empty() {
        let arguments: [&(dyn ToSql + Sync); 17] = [
            &positions[0],
            &events.versions[0],
            &events.occurred[0],
            &recorded[0],
            &events.kinds[0],
            &events.categories[0],
            &events.streams[0],
            &events.ids[0],
            &events.correlations[0],
            &events.causations[0],
            &events.operations[0],
            &events.units[0],
            &events.tags[0],
            &events.details[0],
            &events.payloads[0],
            &lock,
            &log,
        ];
        let statement = session.prepared(&session.sql.append_one).await?;
        return Ok(session.client().execute(&statement, &arguments).await? == 1);
    }
    let places: Vec<i64> = places.iter().map(|place| head + place).collect();
    let mut arguments: Vec<&(dyn ToSql + Sync)> = vec![
        &positions,
        &events.versions,
        &events.occurred,
        &recorded,
        &events.kinds,
        &events.categories,
        &events.streams,
        &events.ids,
        &events.correlations,
        &events.causations,
        &events.operations,
        &events.units,
        &events.tags,
        &events.details,
        &events.payloads,
        &lock,
        &log,
    ];
    let text = if tags.is_empty() {
        &session.sql.append_many
    } else {
        arguments.extend::<[&(dyn ToSql + Sync); 2]>([tags, &places]);
        &session.sql.append_tagged
    };
    let statement = session.prepared(text).await?;
    Ok(session.client().execute(&statement, &arguments).await? == draft.len().cast_unsigned())
}

/// The one statement that writes under the lock.
pub(super) async fn confirm(
    client: &impl GenericClient,
    statement: &Statement,
    log: Uuid,
    lock: Option<i64>,
    draft: &Draft<'_>,
) -> Outcome<Found> {
    let guards = (!draft.guards.is_empty())
        .then(|| serde_json::Value::from(draft.guards.clone()).to_string());
    let events = &draft.events;
    let (new_ids, new_categories, new_keys) = &draft.new_streams;
    let (tags, tag_places) = &draft.tags;
    let (operations, operation_times, operation_units) = &draft.operations;
    let snapshots = || draft.snapshots.values();
    let snapshot_streams: Vec<_> = draft.snapshots.keys().copied().collect();
    let snapshot_versions: Vec<_> =
        snapshots().map(|one| one.version().get().cast_signed()).collect();
    let shapes: Vec<_> = snapshots().map(|one| i64::from(one.shape().version)).collect();
    let fingerprints: Vec<_> =
        snapshots().map(|one| one.shape().fingerprint.cast_signed()).collect();
    let encodings: Vec<_> = snapshots().map(|one| one.encoding().as_str()).collect();
    let taken: Vec<_> = snapshots().map(|one| one.taken_at().as_micros()).collect();
    let data: Vec<&[u8]> = snapshots().map(|one| &one.data()[..]).collect();
    let (mut gone_tables, mut gone_keys) = (Vec::new(), Vec::new());
    let (mut tables, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for ((table, key), value) in &draft.rows {
        match value {
            None => {
                gone_tables.push(*table);
                gone_keys.push(*key);
            }
            Some(value) => {
                tables.push(*table);
                keys.push(*key);
                values.push(*value);
            }
        }
    }
    let names: Vec<_> = draft.checkpoints.keys().copied().collect();
    let (logs, positions): (Vec<_>, Vec<_>) = draft.checkpoints.values().copied().unzip();
    let arguments: [&(dyn ToSql + Sync); 49] = [
        &log,
        &lock,
        &draft.believed_head,
        &some(&draft.believed_streams),
        &some(&draft.believed_versions),
        &some(&draft.absent_operations),
        &some(&draft.believed_checkpoints),
        &some(&draft.believed_epochs),
        &guards,
        &some(&events.places),
        &some(&events.distances),
        &some(&events.occurred),
        &some(&events.recorded),
        &some(&events.kinds),
        &some(&events.categories),
        &some(&events.ids),
        &some(&events.correlations),
        &some(&events.causations),
        &some(&events.operations),
        &some(&events.units),
        &some(&events.tags),
        &some(&events.details),
        &some(&events.payloads),
        &some(new_ids),
        &some(new_categories),
        &some(new_keys),
        &some(tags),
        &some(tag_places),
        &some(operations),
        &some(operation_times),
        &some(operation_units),
        &some(&snapshot_streams),
        &some(&snapshot_versions),
        &some(&shapes),
        &some(&fingerprints),
        &some(&encodings),
        &some(&taken),
        &some(&data),
        &some(&draft.cleared),
        &some(&gone_tables),
        &some(&gone_keys),
        &some(&tables),
        &some(&keys),
        &some(&values),
        &some(&names),
        &some(&logs),
        &some(&positions),
        &draft.believed_leases,
        &draft.believed_tokens,
    ];
    // The last two are of the statement for units that leases fence.
    let arguments = if draft.believed_leases.is_empty() { &arguments[..47] } else { &arguments };
    let row = client.query_one(statement, arguments).await?;
    let tokens = if row.len() > 7 { row.try_get(7)? } else { Vec::new() };
    Ok(Found {
        written: row.try_get(0)?,
        head: row.try_get(1)?,
        recorded: row.try_get(2)?,
        versions: row.try_get::<_, Option<_>>(3)?.unwrap_or_default(),
        operations: row.try_get::<_, Option<_>>(4)?.unwrap_or_default(),
        epochs: row.try_get::<_, Option<_>>(5)?.unwrap_or_default(),
        hits: row.try_get::<_, Option<_>>(6)?.unwrap_or_default(),
        tokens,
    })
}
