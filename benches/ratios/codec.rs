//! Decoding a stored event, against serde on the bare struct.

use cqrs_core::message::{Codec, Encoding, EventId, Json, MessagePack, SchemaVersion};
use cqrs_core::prelude::*;
use cqrs_core::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};

use crate::account::{self, AccountEvent};
use crate::report::{Line, Report, timed};

const COUNT: u64 = 200_000;

#[derive(serde::Serialize, serde::Deserialize)]
struct Content {
    cents: i64,
    reference: String,
    note: String,
}

/// Events that have come three versions far.
#[derive(Event)]
enum MovedEvent {
    #[event(version = 4, upcast(1 as V1, 2 as V2, 3 as V3))]
    Typed { amount: i64, currency: String, reference: String, note: String },
    #[event(version = 4, upcast(1 => amount, 2 => currency, 3 => nothing))]
    Untyped { amount: i64, currency: String, reference: String, note: String },
}

#[derive(Value)]
struct V1 {
    cents: i64,
    reference: String,
    note: String,
}

#[derive(Value)]
struct V2 {
    amount: i64,
    reference: String,
    note: String,
}

#[derive(Value)]
struct V3 {
    amount: i64,
    currency: String,
    reference: String,
    note: String,
}

impl From<V1> for V2 {
    fn from(V1 { cents, reference, note }: V1) -> Self {
        Self { amount: cents, reference, note }
    }
}

impl From<V2> for V3 {
    fn from(V2 { amount, reference, note }: V2) -> Self {
        Self { amount, currency: "EUR".to_owned(), reference, note }
    }
}

impl From<V3> for MovedEvent {
    fn from(V3 { amount, currency, reference, note }: V3) -> Self {
        Self::Typed { amount, currency, reference, note }
    }
}

fn amount(mut event: Untyped) -> Untyped {
    event.rename("cents", "amount");
    event
}

fn currency(mut event: Untyped) -> Untyped {
    event.set("currency", "EUR");
    event
}

fn nothing(event: Untyped) -> Untyped {
    event
}

/// An event as it comes out of a store.
fn stored(name: &'static str, payload: Vec<u8>) -> RecordedEvent {
    let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
    let version = SchemaVersion::FIRST;
    let event = NewEvent::new(id, name, version, Encoding::JSON, payload, Timestamp::EPOCH);
    let stream = StreamId::new("account", "1").expect("the name is well-formed");
    let (position, version) = (Position::new(1), StreamVersion::new(1));
    RecordedEvent::new(event, position, stream, version, Timestamp::EPOCH)
}

pub(crate) fn run(report: &mut Report) {
    let json = account::payload();
    let content: Content = serde_json::from_slice(&json).expect("the payload is the content");
    let mut packed = Vec::new();
    MessagePack::encode(&content, &mut packed).expect("the content can be packed");
    let line = |name| Line { name, aim: "", unit: "events", count: COUNT, rounds: 11 };
    let by_hand = || {
        timed(|| {
            for _ in 0..COUNT {
                let content: Content =
                    serde_json::from_slice(std::hint::black_box(&json)).expect("it decodes");
                std::hint::black_box(&content);
            }
        })
    };
    let event = stored("account.deposited", json.clone());
    let (typed, untyped) =
        (stored("moved.typed", json.clone()), stored("moved.untyped", json.clone()));
    let ours = || {
        timed(|| {
            for _ in 0..COUNT {
                let event = AccountEvent::decode(std::hint::black_box(&event));
                std::hint::black_box(&event.expect("it decodes"));
            }
        })
    };
    let aimed = |name, aim| Line { aim, ..line(name) };
    let current = aimed("decode of an event, JSON, against bare serde_json", "≥ 0.95");
    report.compare(&current, ours, by_hand);
    let steps = |event| {
        move || {
            timed(|| {
                for _ in 0..COUNT {
                    let event = MovedEvent::decode(std::hint::black_box(event));
                    std::hint::black_box(&event.expect("it decodes"));
                }
            })
        }
    };
    let name = "decode through three steps over structs, against bare serde_json";
    report.compare(&aimed(name, "≥ 0.5"), steps(&typed), by_hand);
    let name = "decode through three untyped steps, against bare serde_json";
    report.compare(&line(name), steps(&untyped), by_hand);
    let packed = || {
        timed(|| {
            for _ in 0..COUNT {
                let content = MessagePack::decode::<Content>(std::hint::black_box(&packed));
                std::hint::black_box(&content.expect("it decodes"));
            }
        })
    };
    report.compare(
        &line("decode of an event, MessagePack, against bare serde_json"),
        packed,
        by_hand,
    );
    let encode_by_hand = || {
        timed(|| {
            for _ in 0..COUNT {
                std::hint::black_box(serde_json::to_vec(&content).expect("it encodes"));
            }
        })
    };
    let encode = || {
        timed(|| {
            for _ in 0..COUNT {
                let mut out = Vec::with_capacity(256);
                Json::encode(&content, &mut out).expect("it encodes");
                std::hint::black_box(out);
            }
        })
    };
    report.compare(
        &line("encode of an event, JSON, against bare serde_json"),
        encode,
        encode_by_hand,
    );
}
