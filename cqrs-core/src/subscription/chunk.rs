//! Some events that are handled together: lanes of streams side by side, each
//! in the order of the log.

use crate::store::{Position, RecordedEvent};

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
                let lane = part_of(event, lanes.len());
                lanes[lane].push((index, event.clone()));
            }
        }
        lanes.retain(|lane| !lane.is_empty());
        lanes
    }

    pub(super) fn done(&mut self, index: usize) {
        self.events[index].1 = true;
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

/// Which of so many parts the stream of an event belongs to. The same for
/// every process: a part of a handler is worked on by one at a time.
pub(super) fn part_of(event: &RecordedEvent, parts: usize) -> usize {
    if parts <= 1 {
        return 0;
    }
    let stream = event.stream();
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    for piece in [stream.tenant().as_str(), stream.category().as_str(), stream.key()] {
        hash.update(piece.as_bytes());
        hash.update(&[0]);
    }
    (hash.digest() % parts as u64) as usize
}
