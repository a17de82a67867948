//! Aggregates that each break one law.

use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_core::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Id)]
pub struct Key(u32);

#[derive(Rejection, Debug)]
pub enum Never {}

/// An aggregate of one event without commands.
macro_rules! events_only {
    ($aggregate:ident, $event:ident) => {
        #[derive(Aggregate, Default)]
        #[aggregate(id = Key, event = $event, error = Never)]
        pub struct $aggregate;

        #[apply]
        impl Apply for $aggregate {
            fn apply(&mut self, event: &$event) {
                match event {
                    $event::Noted { .. } => {}
                }
            }
        }
    };
}

/// Its text is written as nothing.
#[derive(Event, Debug)]
pub enum ForgetfulEvent {
    Noted { text: Text },
}

#[derive(Debug)]
pub struct Text(#[allow(dead_code, reason = "it is forgotten")] String);

impl Schema for Text {
    const SHAPE: &'static cqrs_core::schema::Shape = String::SHAPE;
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

events_only!(Forgetful, ForgetfulEvent);

/// Its level is cut off when it is read.
#[derive(Event, Debug)]
pub enum ClampingEvent {
    Noted { level: Level },
}

#[derive(Debug, Serialize)]
pub struct Level(u8);

impl Schema for Level {
    const SHAPE: &'static cqrs_core::schema::Shape = u8::SHAPE;
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(|level| Self(level.min(10)))
    }
}

events_only!(Clamping, ClampingEvent);

/// Its upcaster takes no large amounts.
#[derive(Event, Debug)]
pub enum PartialEvent {
    #[event(version = 2, upcast(1 => noted_from_1))]
    Noted { cents: u8 },
}

#[derive(Value)]
pub struct NotedV1 {
    amount: u64,
}

fn noted_from_1(old: NotedV1) -> Result<PartialEvent, &'static str> {
    let cents = u8::try_from(old.amount).ok().filter(|cents| *cents <= 100);
    cents.map(|cents| PartialEvent::Noted { cents }).ok_or("too large")
}

events_only!(Partial, PartialEvent);

/// Its upcaster forgets that the note may be missing.
#[derive(Event, Debug)]
pub enum CarelessEvent {
    #[event(version = 2, upcast(1 => careless_from_1))]
    Noted { length: usize },
}

fn careless_from_1(event: Untyped) -> CarelessEvent {
    let note: Option<String> = event.get("note").expect("a text");
    CarelessEvent::Noted { length: note.expect("a note").len() }
}

events_only!(Careless, CarelessEvent);

/// What it holds is known by its description alone.
#[derive(Event, Debug)]
pub enum OpaqueEvent {
    Noted {
        #[schema(opaque = "a colour")]
        colour: Vec<u8>,
    },
}

events_only!(Opaque, OpaqueEvent);

/// It takes hardly any text.
#[derive(Event, Debug)]
pub enum PickyEvent {
    Noted { word: Word },
}

#[derive(Debug, Serialize)]
pub struct Word(String);

impl Schema for Word {
    const SHAPE: &'static cqrs_core::schema::Shape = String::SHAPE;
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word != "sesame" {
            return Err(serde::de::Error::custom("another word"));
        }
        Ok(Self(word))
    }
}

events_only!(Picky, PickyEvent);

/// Its sum overflows.
#[derive(Command)]
pub struct Raise {
    pub key: Key,
    pub by: u8,
}

#[derive(Event, Debug)]
pub enum OverflowingEvent {
    Raised { by: u8 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = Key, event = OverflowingEvent, error = Never)]
pub struct Overflowing {
    sum: u8,
}

#[command_handlers]
impl Overflowing {
    fn raise(&self, cmd: &Raise) -> OverflowingEvent {
        OverflowingEvent::Raised { by: cmd.by }
    }
}

#[apply]
impl Apply for Overflowing {
    fn apply(&mut self, event: &OverflowingEvent) {
        match event {
            OverflowingEvent::Raised { by } => self.sum += by,
        }
    }
}

/// It throws a die.
#[derive(Command)]
pub struct Throw {
    pub key: Key,
}

#[derive(Event, Debug)]
pub enum DicingEvent {
    Thrown { eyes: u32 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = Key, event = DicingEvent, error = Never)]
pub struct Dicing;

static THROWS: AtomicU32 = AtomicU32::new(0);

#[command_handlers]
impl Dicing {
    fn throw(&self, _: &Throw) -> DicingEvent {
        DicingEvent::Thrown { eyes: THROWS.fetch_add(1, Ordering::Relaxed) }
    }
}

#[apply]
impl Apply for Dicing {
    fn apply(&mut self, event: &DicingEvent) {
        match event {
            DicingEvent::Thrown { .. } => {}
        }
    }
}

/// Its snapshot leaves out what its events add up.
#[derive(Command)]
pub struct Add {
    pub key: Key,
    pub count: u16,
}

#[derive(Event, Debug)]
pub enum HalvedEvent {
    Added { count: u16 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = Key, event = HalvedEvent, error = Never)]
#[aggregate(snapshot = SnapshotPolicy::every(10))]
pub struct Halved {
    shown: u64,
    #[serde(skip)]
    hidden: u64,
}

#[command_handlers]
impl Halved {
    fn add(&self, cmd: &Add) -> HalvedEvent {
        HalvedEvent::Added { count: cmd.count }
    }
}

#[apply]
impl Apply for Halved {
    fn apply(&mut self, event: &HalvedEvent) {
        match event {
            HalvedEvent::Added { count } => {
                self.hidden += u64::from(*count);
                self.shown = self.hidden;
            }
        }
    }
}

/// What it holds is written, and cannot be read through serde's buffer.
#[derive(Command)]
pub struct Weigh {
    pub key: Key,
    pub grams: u64,
}

#[derive(Value, Debug)]
#[serde(tag = "unit")]
pub enum Weight {
    Grams { count: u128 },
    None,
}

#[derive(Event, Debug)]
pub enum UnreadableEvent {
    Weighed { weight: Weight },
}

#[derive(Aggregate, Default)]
#[aggregate(id = Key, event = UnreadableEvent, error = Never)]
pub struct Unreadable;

#[command_handlers]
impl Unreadable {
    fn weigh(&self, cmd: &Weigh) -> UnreadableEvent {
        let count = u128::from(cmd.grams);
        let weight = if count == 0 { Weight::None } else { Weight::Grams { count } };
        UnreadableEvent::Weighed { weight }
    }
}

#[apply]
impl Apply for Unreadable {
    fn apply(&mut self, event: &UnreadableEvent) {
        match event {
            UnreadableEvent::Weighed { .. } => {}
        }
    }
}
