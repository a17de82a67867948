//! What is known of each operation that was recorded.
//!
//! Fresh operations carry ids that a generator has just made, so nearly all
//! of them come in rising order: those are a sorted list, which grows at its
//! end and needs neither a hash nor a move. The others are in a table.

use std::collections::HashMap;

use bytes::Bytes;

use super::chunks::Chunks;
use crate::message::{OperationId, Timestamp};
use crate::store::BuildOwnHash;

pub(super) struct Operations {
    rising: Chunks<(OperationId, Events)>,
    others: HashMap<OperationId, Record, BuildOwnHash>,
}

/// The events of an operation, by index in the log.
#[derive(Clone, Copy)]
pub(super) struct Events {
    pub(super) first: u64,
    pub(super) count: u32,
}

/// The events of an operation, and more only where they do not tell it.
struct Record {
    events: Events,
    more: Option<Box<More>>,
}

pub(super) struct More {
    pub(super) fingerprint: u128,
    pub(super) recorded_at: Timestamp,
    pub(super) reply: Bytes,
}

impl Operations {
    pub(super) fn new() -> Self {
        Self { rising: Chunks::new(), others: HashMap::default() }
    }

    pub(super) fn insert(&mut self, id: OperationId, events: Events, more: Option<Box<More>>) {
        if more.is_none() && self.rising.last().is_none_or(|(last, _)| *last < id) {
            self.rising.push((id, events));
        } else {
            self.others.insert(id, Record { events, more });
        }
    }

    pub(super) fn get(&self, id: OperationId) -> Option<(Events, Option<&More>)> {
        if let Some(record) = self.others.get(&id) {
            return Some((record.events, record.more.as_deref()));
        }
        let place = self.rising.partition_point(|(one, _)| *one < id);
        let (_, events) = self.rising.from(place).next().filter(|(one, _)| *one == id)?;
        Some((*events, None))
    }

    /// Those with events whose first one stands at an index or behind it, in
    /// the order of the log.
    pub(super) fn after(&self, index: u64, limit: usize) -> Vec<(OperationId, Events)> {
        let place = self.rising.partition_point(|(_, events)| events.first < index);
        let rising = self.rising.from(place).take(limit).copied();
        let others = self.others.iter().map(|(id, record)| (*id, record.events));
        let others = others.filter(|(_, events)| events.first >= index && events.count > 0);
        let mut found: Vec<_> = rising.chain(others).collect();
        found.sort_by_key(|(_, events)| events.first);
        found.truncate(limit);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_whatever_the_order_of_their_ids() {
        let id = |n| OperationId::from_uuid(uuid::Uuid::from_u128(n));
        let mut operations = Operations::new();
        let order = [3, 5, 4, 600, 1, 601, 2];
        for (first, n) in (0..).zip(order) {
            operations.insert(id(n), Events { first, count: 1 }, None);
        }
        for (first, n) in (0..).zip(order) {
            assert_eq!(operations.get(id(n)).map(|(events, _)| events.first), Some(first));
        }
        assert!([0, 6, 602].iter().all(|n| operations.get(id(*n)).is_none()));
    }
}
