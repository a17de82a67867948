//! An aggregate with every kind of field, a past, snapshots and metadata.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use cqrs_core::prelude::*;

#[derive(Id)]
struct StockId(u32);

#[derive(Value, Clone, Debug, PartialEq)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Place {
    Shelf { row: u8, column: u8 },
    Floor,
}

#[derive(Value, Clone, Debug, PartialEq)]
struct Part {
    name: String,
    parts: Vec<Part>,
}

#[derive(Value, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Colour {
    Red,
    Blue,
}

#[derive(Command)]
struct Take {
    stock: StockId,
    #[check(min = 1)]
    count: u32,
    place: Option<Place>,
}

#[derive(Command)]
struct Fill {
    stock: StockId,
    count: u32,
}

#[derive(Event, Clone, Debug, PartialEq)]
enum StockEvent {
    #[event(version = 3, upcast(1 => taken_from_1, 2 as TakenV2))]
    Taken {
        count: u32,
        place: Option<Place>,
    },
    Filled {
        count: u32,
    },
    Described {
        part: Part,
        weights: BTreeMap<String, f64>,
        colours: BTreeSet<Colour>,
        by_id: HashMap<u64, (i8, char)>,
        at: Timestamp,
        after: Duration,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        flags: [bool; 2],
        #[serde(rename = "half-life")]
        half_life: f32,
    },
    Closed,
}

#[derive(Value)]
struct TakenV1 {
    amount: u16,
}

#[derive(Value)]
struct TakenV2 {
    count: u32,
}

fn taken_from_1(old: TakenV1) -> TakenV2 {
    TakenV2 { count: old.amount.into() }
}

impl From<TakenV2> for StockEvent {
    fn from(old: TakenV2) -> Self {
        Self::Taken { count: old.count, place: None }
    }
}

#[derive(Rejection, Debug, PartialEq)]
enum StockError {
    /// There are {left}.
    TooFew { left: u64 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = StockId, event = StockEvent, error = StockError)]
#[aggregate(snapshot = SnapshotPolicy::every(10))]
struct Stock {
    count: u64,
    last: Option<Place>,
}

#[command_handlers]
impl Stock {
    fn take(&self, cmd: &Take) -> Result<StockEvent, StockError> {
        ensure!(u64::from(cmd.count) <= self.count, StockError::TooFew { left: self.count });
        Ok(StockEvent::Taken { count: cmd.count, place: cmd.place.clone() })
    }

    fn fill(&self, cmd: &Fill) -> StockEvent {
        StockEvent::Filled { count: cmd.count }
    }
}

#[apply]
impl Apply for Stock {
    fn apply(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Taken { count, place } => {
                self.count = self.count.saturating_sub((*count).into());
                self.last.clone_from(place);
            }
            StockEvent::Filled { count } => self.count += u64::from(*count),
            StockEvent::Described { .. } | StockEvent::Closed => {}
        }
    }
}

cqrs_testkit::law_tests!(Stock);
