//! Some events that are handled together: lanes of streams side by side, each
//! in the order of the log.

use super::parts::lane_of;
use crate::store::{Page, Position, RecordedEvent};

/// The events between a place and the next one that is stored.
#[derive(Default)]
pub(super) struct Chunk {
    events: Vec<(RecordedEvent, bool)>,
    /// Everything up to here was read, and is done when the events are.
    reached: Position,
}

impl Chunk {
    pub(super) fn new(events: Vec<RecordedEvent>, reached: Position) -> Self {
        Self { events: events.into_iter().map(|event| (event, false)).collect(), reached }
    }

    /// Those that are not done, by lanes: a stream has one.
    pub(super) fn lanes(&self, count: usize) -> Vec<Vec<(usize, RecordedEvent)>> {
        let mut lanes = vec![Vec::new(); count.max(1)];
        for (index, (event, done)) in self.events.iter().enumerate() {
            if !done {
                let lane = lane_of(event.stream(), lanes.len());
                lanes[lane].push((index, event.clone()));
            }
        }
        lanes.retain(|lane| !lane.is_empty());
        lanes
    }

    pub(super) fn done(&mut self, index: usize) {
        self.events[index].1 = true;
    }

    /// Whether none of the events is this reader's.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn is_done(&self) -> bool {
        self.events.iter().all(|(_, done)| *done)
    }

    /// The place behind the last event before which all are done.
    pub(super) fn place(&self, before: Position) -> Position {
        let open = self.events.iter().position(|(_, done)| !done);
        match open {
            None => self.reached.max(before),
            Some(0) => before,
            Some(index) => self.events[index - 1].0.position(),
        }
    }
}

/// A page of which some events are being handled.
pub(super) struct Taken {
    page: Page,
    used: usize,
}

impl Taken {
    pub(super) fn new(page: Page) -> Self {
        Self { page, used: 0 }
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.used >= self.page.len()
    }

    pub(super) fn is_last(&self) -> bool {
        self.is_used_up() && self.page.is_last()
    }

    /// The next so many events, of which only some are this reader's.
    pub(super) fn chunk(&mut self, size: usize, is_ours: impl Fn(&RecordedEvent) -> bool) -> Chunk {
        let from = self.used;
        self.used = (from + size).min(self.page.len());
        let events: Vec<_> = self.page.events().skip(from).take(self.used - from).collect();
        let reached = match events.last() {
            Some(last) if !self.is_used_up() => last.position(),
            _ => Position::new(self.page.reached()),
        };
        Chunk::new(events.into_iter().filter(|event| is_ours(event)).collect(), reached)
    }
}
