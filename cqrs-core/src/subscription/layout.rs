//! Into how many parts an event handler is divided, and what its places were
//! when it was divided otherwise.
//!
//! Where a build divides a handler into another number of parts, the first of
//! its parts carries over what the old ones have: it waits until nobody works
//! on them, and lets every new part begin where the slowest of the old ones
//! is. What faster ones had done beyond that is written down, and does not come
//! again.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::dead_letter::{letters_of, position_of, wanted_of};
use super::parts::{part_names, part_of};
use super::runner::{Interruption, Runner};
use super::{Start, checkpoint_of};
use crate::store::{
    Cursor, Direction, EventStore, Lease, LogId, Position, RecordedEvent, TableName,
};

const LAYOUTS: TableName = TableName::named("event handlers/parts");
const PAGE: usize = 1_000;

/// How a handler is divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    parts: usize,
    /// Only those of which some part was ahead of where all now begin.
    before: Vec<Former>,
}

/// How it was divided, and how far each part had come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Former {
    log: LogId,
    places: Vec<Position>,
}

/// A row of a part, moved into the part that its stream now belongs to.
struct Moved {
    part: usize,
    table: TableName,
    key: Bytes,
    row: Bytes,
}

impl Layout {
    pub(super) fn new(parts: usize) -> Self {
        Self { parts, before: Vec::new() }
    }

    pub(super) fn table() -> TableName {
        LAYOUTS
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers are JSON")
    }

    /// Whether an event of a log was handled when the handler was divided
    /// otherwise.
    pub(super) fn has_done(&self, log: LogId, event: &RecordedEvent) -> bool {
        let has_done = |former: &Former| {
            let part = part_of(event.stream(), former.places.len());
            former.log == log && event.position() <= former.places[part]
        };
        self.before.iter().any(has_done)
    }

    /// The same log in other parts, all of which begin at `lowest`.
    fn divided(
        mut self,
        parts: usize,
        log: LogId,
        places: Vec<Position>,
        lowest: Position,
    ) -> Self {
        self.before.push(Former { log, places });
        let is_ahead = |former: &Former| former.places.iter().any(|place| *place > lowest);
        self.before.retain(|former| former.log == log && is_ahead(former));
        Self { parts, ..self }
    }
}

impl Runner {
    /// The layout of the handler, once it is the one of this build.
    pub(super) async fn arrange(&self) -> Result<Layout, Interruption> {
        let (handler, parts) = (self.handler_name(), self.subscription.parts);
        let store = &self.follower().store;
        let Some(row) = store.row(&LAYOUTS, handler.as_bytes()).await? else {
            let layout = Layout::new(parts);
            let work = self.unit().put(LAYOUTS, handler.as_bytes().to_vec(), layout.to_bytes());
            store.commit(work).await?;
            return Ok(layout);
        };
        let found: Layout = serde_json::from_slice(&row).map_err(|error| {
            Interruption::Stands(format!("how it was divided is unreadable: {error}"))
        })?;
        match (found.parts == parts, self.subscription.part) {
            (true, _) => Ok(found),
            (false, 0) => self.carry_over(found).await,
            (false, _) => Err(Interruption::Stands(format!(
                "it was divided into {}, and the places of these are still to be carried over into {parts}",
                found.parts
            ))),
        }
    }

    /// Carries over what the parts of another layout have, once nobody works on
    /// them.
    async fn carry_over(&self, found: Layout) -> Result<Layout, Interruption> {
        let old: Vec<_> = part_names(self.handler_name(), found.parts).collect();
        let mut leases = Vec::new();
        let carried = self.carry_over_from(found, &old, &mut leases).await;
        for lease in leases {
            // One that cannot be given back ends by itself.
            let _ = self.follower().store.release_lease(&lease).await;
        }
        carried
    }

    async fn carry_over_from(
        &self,
        found: Layout,
        old: &[Arc<str>],
        leases: &mut Vec<Lease>,
    ) -> Result<Layout, Interruption> {
        let turn = self.turn().expect("a place is looked for while it is this one's turn");
        for name in old {
            let lease = turn.take_beside(name).await?.ok_or_else(|| {
                Interruption::Stands(format!(
                    "a process still works on `{name}`; its place is carried over into {} parts when no \
                     process divides the handler into {} any more",
                    self.subscription.parts, found.parts
                ))
            })?;
            leases.push(lease);
        }
        let store = &self.follower().store;
        let info = store.info().await?;
        let mut places = Vec::with_capacity(old.len());
        for name in old {
            // Also fences whoever slept through its lease.
            let claimed = store.claim_checkpoint(&checkpoint_of(name)).await?;
            places.push(match claimed.cursor {
                Some(cursor) if cursor.log == info.log => cursor.position,
                Some(_) => return Err(Interruption::OtherLog),
                None if self.subscription.start == Start::Beginning => Position::NONE,
                None => self.subscription.head_at_build.min(info.head),
            });
        }
        let lowest = places.iter().copied().min().unwrap_or_default();
        let moved = self.moved(old).await?;
        for (part, name) in part_names(self.handler_name(), self.subscription.parts).enumerate() {
            let checkpoint = checkpoint_of(&name);
            let epoch = store.claim_checkpoint(&checkpoint).await?.epoch;
            let cursor = Cursor { log: info.log, position: lowest };
            let mut work = self
                .unit()
                .fenced_by(turn.lease())
                .clear(letters_of(&name))
                .clear(wanted_of(&name))
                .advance_checkpoint(checkpoint, epoch, Some(cursor));
            for Moved { table, key, row, .. } in moved.iter().filter(|moved| moved.part == part) {
                work = work.put(table.clone(), key.clone(), row.clone());
            }
            store.commit(work).await?;
        }
        let layout = found.divided(self.subscription.parts, info.log, places, lowest);
        // From here on the new parts hold.
        let key = self.handler_name().as_bytes().to_vec();
        let mut work = self.unit().fenced_by(turn.lease()).put(LAYOUTS, key, layout.to_bytes());
        for name in old {
            work = work.clear(letters_of(name)).clear(wanted_of(name));
        }
        store.commit(work).await?;
        tracing::info!(
            target: "cqrs::event", handler = self.handler_name(), parts = self.subscription.parts,
            "the handler is divided anew"
        );
        Ok(layout)
    }

    /// The dead letters of old parts, and what is wanted with them, each where
    /// its stream now belongs.
    async fn moved(&self, old: &[Arc<str>]) -> Result<Vec<Moved>, Interruption> {
        let new: Vec<_> = part_names(self.handler_name(), self.subscription.parts).collect();
        let store = &self.follower().store;
        let mut moved = Vec::new();
        for name in old {
            for table_of in [letters_of, wanted_of] {
                let mut from = std::ops::Bound::Unbounded;
                loop {
                    let range = (from, std::ops::Bound::Unbounded);
                    let rows = store.rows(&table_of(name), range, Direction::Forward, PAGE).await?;
                    let last = rows.get(PAGE - 1).map(|(key, _)| key.clone());
                    for (key, row) in rows {
                        let Some(event) = self.event_at(position_of(&key)).await? else { continue };
                        let part = part_of(event.stream(), self.subscription.parts);
                        moved.push(Moved { part, table: table_of(&new[part]), key, row });
                    }
                    match last {
                        Some(last) => from = std::ops::Bound::Excluded(last),
                        None => break,
                    }
                }
            }
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(number: u128) -> LogId {
        LogId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn places(places: &[u64]) -> Vec<Position> {
        places.iter().copied().map(Position::new).collect()
    }

    #[test]
    fn only_layouts_with_a_part_ahead_of_the_slowest_are_remembered() {
        let (ours, lowest) = (log(1), Position::new(5));
        let even = Layout::new(2).divided(3, ours, places(&[5, 5]), lowest);
        assert_eq!(even, Layout::new(3));

        let ahead = even.divided(4, ours, places(&[5, 9, 7]), lowest);
        assert_eq!(ahead.before.len(), 1);
        let later = ahead.clone().divided(2, ours, places(&[8, 9, 8, 8]), Position::new(8));
        assert_eq!(later.before.len(), 2, "of the first layout one part was at 9");
        let done = later.divided(1, ours, places(&[9, 9]), Position::new(9));
        assert_eq!(done, Layout::new(1));

        let restored = ahead.divided(2, log(2), places(&[3, 3, 3, 3]), Position::new(3));
        assert_eq!(restored, Layout::new(2), "positions of another log mean nothing here");
    }
}
