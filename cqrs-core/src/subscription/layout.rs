//! Into how many parts an event handler is divided, and what its places were
//! when it was divided otherwise.
//!
//! Where a build divides a handler into another number of parts, the first of
//! its parts carries over what the old ones have: it waits until nobody works
//! on them, and lets every new part begin where the slowest of the old ones
//! is. What faster ones had done beyond that is written down, and does not come
//! again.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::checkpoint_of;
use super::dead_letter::{Row, letters_of, wanted_of};
use super::group::{DIVIDING, UNIT};
use super::parts::{part_names, part_of, part_of_hash};
use super::rows::all_rows;
use super::runner::{Interruption, Runner};
use crate::store::{
    Cursor, EventStore, Lease, LogId, Position, ReadError, RecordedEvent, Store, TableName,
};

const LAYOUTS: TableName = TableName::named("event handlers/parts");

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

    /// The layout of a handler, `None` if it is new.
    pub(super) async fn read(store: &Store, handler: &str) -> Result<Option<Self>, ReadError> {
        let row = store.row(&LAYOUTS, handler.as_bytes()).await?;
        let read = |row: Bytes| {
            serde_json::from_slice(&row).map_err(|error| {
                let reason = format!("how `{handler}` is divided cannot be read: {error}");
                ReadError::Unavailable { reason: reason.into() }
            })
        };
        row.map(read).transpose()
    }

    pub(super) fn is_of(&self, parts: usize) -> bool {
        self.parts == parts
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
    /// Whether the handler is divided as in this build.
    pub(super) async fn is_divided_so(&self) -> Result<bool, Interruption> {
        let found = Layout::read(&self.follower().store, self.handler_name()).await?;
        Ok(found.is_none_or(|found| found.is_of(self.subscription.parts)))
    }

    /// The layout of the handler if it is the one of this build; `None` once
    /// that has been made so.
    pub(super) async fn arrange(&self) -> Result<Option<Layout>, Interruption> {
        let (handler, parts) = (self.handler_name(), self.subscription.parts);
        match Layout::read(&self.follower().store, handler).await? {
            Some(found) if found.is_of(parts) => return Ok(Some(found)),
            Some(found) if self.subscription.part != 0 => {
                return Err(Interruption::Stands(format!(
                    "it was divided into {}, and what these have is still to be carried over into {parts}",
                    found.parts
                )));
            }
            _ => {}
        }
        let Some(dividing) = self.own_turn().take(DIVIDING, handler).await? else {
            return Err(Interruption::Stands("another process divides it just now".to_owned()));
        };
        let mut leases = vec![dividing];
        let divided = self.divide(&mut leases).await;
        for lease in leases {
            // One that cannot be given back ends by itself.
            let _ = self.follower().store.release_lease(&lease).await;
        }
        divided.map(|()| None)
    }

    /// Divides the handler as this build does, under a lease for that.
    async fn divide(&self, leases: &mut Vec<Lease>) -> Result<(), Interruption> {
        let (handler, parts) = (self.handler_name(), self.subscription.parts);
        match Layout::read(&self.follower().store, handler).await? {
            None => self.write_layout(&Layout::new(parts), &leases[0], &[]).await,
            Some(found) if found.is_of(parts) || self.subscription.part != 0 => Ok(()),
            Some(found) => self.carry_over(found, leases).await,
        }
    }

    /// Carries over what the parts of another layout have, once nobody works on
    /// them.
    async fn carry_over(&self, found: Layout, leases: &mut Vec<Lease>) -> Result<(), Interruption> {
        let (turn, parts) = (self.own_turn(), self.subscription.parts);
        let old: Vec<_> = part_names(self.handler_name(), found.parts).collect();
        for name in &old {
            let lease = turn.take(UNIT, name).await?.ok_or_else(|| {
                Interruption::Stands(format!(
                    "a process still works on `{name}`; its place is carried over into {parts} parts when no \
                     process divides the handler into {} any more",
                    found.parts
                ))
            })?;
            leases.push(lease);
        }
        let store = &self.follower().store;
        let info = store.info().await?;
        let mut places = Vec::with_capacity(old.len());
        for name in &old {
            // Also fences whoever slept through its lease.
            places.push(match store.claim_checkpoint(&checkpoint_of(name)).await?.cursor {
                Some(cursor) if cursor.log == info.log => cursor.position,
                Some(_) => return Err(Interruption::OtherLog),
                None => self.birthplace(info.head),
            });
        }
        let lowest = places.iter().copied().min().unwrap_or_default();
        let moved = self.moved(&old).await?;
        for (part, name) in part_names(self.handler_name(), parts).enumerate() {
            let checkpoint = checkpoint_of(&name);
            let epoch = store.claim_checkpoint(&checkpoint).await?.epoch;
            let cursor = Cursor { log: info.log, position: lowest };
            let mut work = self
                .unit()
                .fenced_by(&leases[0])
                .clear(letters_of(&name))
                .clear(wanted_of(&name))
                .advance_checkpoint(checkpoint, epoch, Some(cursor));
            for Moved { table, key, row, .. } in moved.iter().filter(|moved| moved.part == part) {
                work = work.put(table.clone(), key.clone(), row.clone());
            }
            store.commit(work).await?;
            turn.renew(leases).await?;
        }
        let layout = found.divided(parts, info.log, places, lowest);
        self.write_layout(&layout, &leases[0], &old).await?;
        tracing::info!(
            target: "cqrs::event", handler = self.handler_name(), parts, "the handler is divided anew"
        );
        Ok(())
    }

    /// From here on a layout holds, and what old parts had is gone.
    async fn write_layout(
        &self,
        layout: &Layout,
        lease: &Lease,
        old: &[Arc<str>],
    ) -> Result<(), Interruption> {
        let key = self.handler_name().as_bytes().to_vec();
        let mut work = self.unit().fenced_by(lease).put(LAYOUTS, key, layout.to_bytes());
        for name in old {
            work = work.clear(letters_of(name)).clear(wanted_of(name));
        }
        self.follower().store.commit(work).await?;
        Ok(())
    }

    /// The dead letters of old parts, and what is wanted with them, each where
    /// its stream now belongs.
    async fn moved(&self, old: &[Arc<str>]) -> Result<Vec<Moved>, Interruption> {
        let parts = self.subscription.parts;
        let new: Vec<_> = part_names(self.handler_name(), parts).collect();
        let (store, mut moved) = (&self.follower().store, Vec::new());
        for name in old {
            let mut part_at = HashMap::new();
            for (key, row) in all_rows(store, &letters_of(name)).await? {
                let part = Row::hash_in(&row).map_or(0, |hash| part_of_hash(hash, parts));
                part_at.insert(key.clone(), part);
                moved.push(Moved { part, table: letters_of(&new[part]), key, row });
            }
            for (key, row) in all_rows(store, &wanted_of(name)).await? {
                let part = part_at.get(&key).copied().unwrap_or_default();
                moved.push(Moved { part, table: wanted_of(&new[part]), key, row });
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
