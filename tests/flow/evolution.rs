//! Events of old versions, of unknown ones, and of types that are no more.

use cqrs_core::event::{DecodeError, Decoded, DowncastError, RawEvent};
use cqrs_core::message::{Encoding, EventId, SchemaVersion};
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, ExpectedVersion, NewEvent, Operation, Position, RecordedEvent, StreamId,
    StreamVersion, UnitOfWork,
};
use serde_json::json;

/// A wallet after some years.
mod wallet {
    use super::*;

    cqrs_core::module!();

    #[derive(Id)]
    pub struct WalletId(String);

    #[derive(Command)]
    pub struct Pay {
        pub wallet: WalletId,
        pub cents: i64,
    }

    #[derive(Value, Clone, Debug, PartialEq)]
    pub enum Currency {
        Eur,
        Usd,
    }

    #[derive(Event, Clone, Debug, PartialEq)]
    #[event(retired("wallet.coloured", "wallet.moved" => moved), unknown = "skip", check = sound)]
    pub enum WalletEvent {
        #[event(version = 4, formerly("wallet.credited"))]
        #[event(upcast(1 => paid_from_1, 2 as PaidV2, 3 => paid_from_3), downcast(2 => paid_to_2, 1 => paid_to_1))]
        Paid {
            cents: i64,
            currency: Currency,
            at: Option<Timestamp>,
        },
        /// Once one event for several.
        #[event(version = 2, upcast(1 => split))]
        Split {
            cents: i64,
        },
        Labelled(Labelled),
    }

    #[derive(Event, Clone, Debug, PartialEq)]
    #[event(name = "wallet.labelled", version = 2, upcast(1 as LabelledV1))]
    pub struct Labelled {
        pub label: String,
    }

    #[derive(Value)]
    pub struct LabelledV1 {
        pub text: u64,
    }

    impl TryFrom<LabelledV1> for Labelled {
        type Error = String;

        fn try_from(old: LabelledV1) -> Result<Self, String> {
            if old.text == 0 {
                return Err("a label of nothing".into());
            }
            Ok(Self { label: format!("no. {}", old.text) })
        }
    }

    #[derive(Value)]
    pub struct PaidV2 {
        pub cents: i64,
    }

    #[derive(Value)]
    pub struct PaidV3 {
        cents: i64,
        currency: Currency,
    }

    fn paid_from_1(mut event: Untyped) -> Result<PaidV2, String> {
        event.rename("amount", "cents");
        let cents = event.get("cents").map_err(|error| error.to_string())?;
        Ok(PaidV2 { cents: cents.ok_or("an amount is missing")? })
    }

    impl From<PaidV2> for PaidV3 {
        fn from(old: PaidV2) -> Self {
            Self { cents: old.cents, currency: Currency::Eur }
        }
    }

    fn paid_from_3(old: PaidV3, record: &RecordedEvent) -> WalletEvent {
        assert_ne!(old.cents, 13, "an unlucky amount");
        let at = Some(record.occurred_at());
        WalletEvent::Paid { cents: old.cents, currency: old.currency, at }
    }

    fn paid_to_2(event: &WalletEvent) -> PaidV2 {
        match event {
            WalletEvent::Paid { cents, .. } => PaidV2 { cents: *cents },
            other => unreachable!("{other:?} is no payment"),
        }
    }

    fn paid_to_1(mut event: Untyped) -> Untyped {
        event.rename("cents", "amount");
        event.remove("currency");
        event
    }

    #[derive(Value)]
    pub struct SplitV1 {
        parts: Vec<i64>,
    }

    fn split(old: SplitV1) -> Vec<WalletEvent> {
        old.parts.into_iter().map(|cents| WalletEvent::Split { cents }).collect()
    }

    fn moved(event: Untyped) -> Result<[WalletEvent; 2], cqrs_core::message::CodecError> {
        let cents: i64 = event.get("cents")?.unwrap_or_default();
        Ok([WalletEvent::Split { cents }, WalletEvent::Split { cents: -cents }])
    }

    fn sound(event: &WalletEvent) -> Result<(), &'static str> {
        match event {
            WalletEvent::Paid { cents: 666, .. } => Err("not this amount"),
            _ => Ok(()),
        }
    }

    #[derive(Rejection, Debug, PartialEq)]
    pub enum WalletError {}

    #[derive(Aggregate, Default)]
    #[aggregate(id = WalletId, event = WalletEvent, error = WalletError)]
    #[aggregate(snapshot = SnapshotPolicy::every(2))]
    pub struct Wallet {
        pub cents: i64,
        pub splits: Vec<i64>,
        pub label: String,
    }

    #[command_handlers]
    impl Wallet {
        fn pay(&self, cmd: &Pay) -> WalletEvent {
            WalletEvent::Paid { cents: cmd.cents, currency: Currency::Usd, at: None }
        }
    }

    #[apply]
    impl Apply for Wallet {
        fn apply(&mut self, event: &WalletEvent) {
            match event {
                WalletEvent::Paid { cents, .. } => self.cents += cents,
                WalletEvent::Split { cents } => self.splits.push(*cents),
                WalletEvent::Labelled(labelled) => self.label.clone_from(&labelled.label),
            }
        }
    }

    #[derive(Projection, Default)]
    #[projection(event = WalletEvent, key = WalletId, row = i64)]
    pub struct Paid;

    impl Project for Paid {
        async fn project(
            &self,
            event: &Recorded<WalletEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let cents = match event.data() {
                WalletEvent::Paid { cents, .. } => *cents,
                WalletEvent::Split { cents } => cents.abs(),
                WalletEvent::Labelled(_) => 0,
            };
            rows.update(event.aggregate_id::<WalletId>()?, |sum| *sum += cents).await
        }
    }
}

use wallet::{Currency, Labelled, Paid, Pay, Wallet, WalletEvent};

fn new(number: u128, name: &str, version: u32, payload: &serde_json::Value) -> NewEvent {
    let id = EventId::from_uuid(uuid::Uuid::from_u128(number));
    let (version, payload) = (SchemaVersion::new(version), payload.to_string().into_bytes());
    let name = cqrs_core::store::EventTypeName::from(name.to_owned());
    NewEvent::new(id, name, version, Encoding::JSON, payload, Timestamp::EPOCH)
}

fn record(name: &str, version: u32, payload: &serde_json::Value) -> RecordedEvent {
    let stream = StreamId::new("wallet", "w").unwrap();
    let event = new(7, name, version, payload);
    RecordedEvent::new(event, Position::new(1), stream, StreamVersion::new(1), Timestamp::EPOCH)
}

fn decode(name: &str, version: u32, payload: serde_json::Value) -> Decoded<WalletEvent> {
    WalletEvent::decode(&record(name, version, &payload)).unwrap()
}

fn fails(name: &str, version: u32, payload: serde_json::Value) -> DecodeError {
    WalletEvent::decode(&record(name, version, &payload)).unwrap_err()
}

fn paid(cents: i64, currency: Currency, at: Option<Timestamp>) -> WalletEvent {
    WalletEvent::Paid { cents, currency, at }
}

async fn write(store: &impl EventStore, events: Vec<NewEvent>) {
    let operation = Operation::fresh(uuid::Uuid::from_u128(99).into());
    let stream = StreamId::new("wallet", "w").unwrap();
    let work = UnitOfWork::new(operation, Timestamp::EPOCH);
    store.commit(work.append(stream, ExpectedVersion::Any, events)).await.unwrap();
}

#[test]
fn every_version_becomes_the_current_one() {
    let at = Some(Timestamp::EPOCH);
    for (version, payload, expected) in [
        (1, json!({ "amount": 5 }), paid(5, Currency::Eur, at)),
        (2, json!({ "cents": 6 }), paid(6, Currency::Eur, at)),
        (3, json!({ "cents": 7, "currency": "Usd" }), paid(7, Currency::Usd, at)),
        (4, json!({ "cents": 8, "currency": "Usd", "at": null }), paid(8, Currency::Usd, None)),
    ] {
        assert_eq!(decode("wallet.paid", version, payload), Decoded::One(expected));
    }
}

#[test]
fn a_type_is_read_under_the_names_that_it_had() {
    let decoded = decode("wallet.credited", 2, json!({ "cents": 6 }));
    assert_eq!(decoded, Decoded::One(paid(6, Currency::Eur, Some(Timestamp::EPOCH))));
}

#[test]
fn one_event_may_become_several_or_none() {
    let several = decode("wallet.split", 1, json!({ "parts": [1, 2] }));
    assert_eq!(
        several,
        Decoded::Many(vec![WalletEvent::Split { cents: 1 }, WalletEvent::Split { cents: 2 }])
    );
    assert_eq!(decode("wallet.split", 1, json!({ "parts": [] })), Decoded::none());
    assert_eq!(decode("wallet.coloured", 5, json!({ "hue": "red" })), Decoded::none());
    assert_eq!(
        decode("wallet.moved", 3, json!({ "cents": 4 })),
        Decoded::Many(vec![WalletEvent::Split { cents: 4 }, WalletEvent::Split { cents: -4 }])
    );
}

#[test]
fn an_event_struct_has_a_chain_of_its_own() {
    let labelled = Labelled { label: "no. 3".into() };
    assert_eq!(
        decode("wallet.labelled", 1, json!({ "text": 3 })),
        Decoded::One(WalletEvent::Labelled(labelled))
    );
}

#[test]
fn a_step_that_fails_names_the_event_and_itself() {
    let expected = "event 00000000-0000-0000-0000-000000000007 of type `wallet.paid`, stored as \
                    version 1: the upcaster from version 1 failed: an amount is missing";
    assert_eq!(fails("wallet.paid", 1, json!({})).to_string(), expected);
    let expected = "event 00000000-0000-0000-0000-000000000007 of type `wallet.labelled`, stored \
                    as version 1: the upcaster from version 1 failed: a label of nothing";
    assert_eq!(fails("wallet.labelled", 1, json!({ "text": 0 })).to_string(), expected);
}

#[test]
fn a_step_that_panics_is_an_error() {
    let error = fails("wallet.paid", 2, json!({ "cents": 13 }));
    let DecodeError::Upcast { from, version, problem, .. } = &error else { panic!("{error}") };
    assert_eq!((from.get(), version.get()), (3, 2));
    assert!(problem.starts_with("panicked: "), "{problem}");
    assert!(problem.contains("an unlucky amount"), "{problem}");
    assert_eq!(error.code().as_str(), "upcast");
}

#[test]
fn old_content_of_another_shape_is_an_error() {
    for (version, payload) in [
        (2, json!({ "cents": "text" })),
        (2, json!([])),
        (3, json!({ "cents": 1, "currency": "Gbp" })),
        (4, json!({ "cents": 1 })),
    ] {
        let error = fails("wallet.paid", version, payload);
        assert!(matches!(error, DecodeError::Content { .. }), "{error}");
    }
    for payload in [&b"\xff\xfe"[..], b"", b"{\"cents\":", &[b'['; 200]] {
        let stream = StreamId::new("wallet", "w").unwrap();
        let id = EventId::from_uuid(uuid::Uuid::from_u128(7));
        for version in 1..=4 {
            let version = SchemaVersion::new(version);
            let event = NewEvent::new(
                id,
                "wallet.paid",
                version,
                Encoding::JSON,
                payload.to_vec(),
                Timestamp::EPOCH,
            );
            let at = (Position::new(1), StreamVersion::new(1));
            let record = RecordedEvent::new(event, at.0, stream.clone(), at.1, Timestamp::EPOCH);
            let error = WalletEvent::decode(&record).unwrap_err();
            assert!(matches!(error, DecodeError::Content { .. }), "{error}");
        }
    }
}

#[test]
fn an_unknown_version_is_an_error_where_nothing_else_is_said() {
    #[derive(Event, Debug)]
    enum Strict {
        #[event(name = "wallet.paid", version = 2, upcast(1 => same))]
        Paid { cents: i64 },
    }
    fn same(event: Untyped) -> Untyped {
        event
    }
    let error = Strict::decode(&record("wallet.paid", 3, &json!({ "cents": 1 }))).unwrap_err();
    let DecodeError::UnknownVersion { event_type, version, known } = &error else {
        panic!("{error}")
    };
    assert_eq!((event_type.as_str(), version.get(), known.get()), ("wallet.paid", 3, 2));
    assert!(error.is_unknown());
    let error = Strict::decode(&record("wallet.left", 1, &json!({}))).unwrap_err();
    assert!(matches!(error, DecodeError::UnknownType { .. }) && error.is_unknown());
}

#[test]
fn unknown_events_can_be_kept_as_they_are() {
    #[derive(Event, Debug, PartialEq)]
    enum Keeping {
        #[event(name = "wallet.paid")]
        Paid { cents: i64 },
        #[event(unknown)]
        Unknown(RawEvent),
    }
    let newer = record("wallet.paid", 9, &json!({ "euros": 1 }));
    let Keeping::Unknown(raw) = Keeping::decode(&newer).unwrap().one().unwrap() else {
        panic!("version 9 is unknown")
    };
    assert_eq!((raw.event_type.as_str(), raw.schema_version.get()), ("wallet.paid", 9));
    assert_eq!(raw.payload.as_ref(), br#"{"euros":1}"#);
    let kept = Keeping::Unknown(raw);
    assert_eq!(kept.event_type().name, "unknown");
    let error = kept.encode(&mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "an event that is unknown here cannot be stored");
}

/// Events are read in masses, and each is handed on in the bytes that it has.
#[test]
fn what_was_read_is_no_larger_than_the_event() {
    assert_eq!(size_of::<Decoded<WalletEvent>>(), size_of::<WalletEvent>());
}

#[test]
fn an_event_can_be_written_as_an_older_version() {
    let event = paid(5, Currency::Usd, None);
    let as_version = |version| {
        let mut out = Vec::new();
        event.encode_as(SchemaVersion::new(version), &mut out)?;
        Ok::<_, DowncastError>(String::from_utf8(out).unwrap())
    };
    assert_eq!(as_version(1).unwrap(), r#"{"amount":5,"at":null}"#);
    assert_eq!(as_version(2).unwrap(), r#"{"cents":5}"#);
    assert_eq!(as_version(4).unwrap(), r#"{"cents":5,"currency":"Usd","at":null}"#);
    assert_eq!(
        as_version(3).unwrap_err().to_string(),
        "event type `wallet.paid` cannot be written as version 3: add `downcast(3 => function)` \
         to it"
    );
}

#[tokio::test]
async fn an_event_that_its_check_refuses_is_not_stored() {
    let app = App::new(cqrs_core::modules![wallet], MemoryStore::new()).unwrap();
    let error = app.execute(Pay { wallet: "w".into(), cents: 666 }).await.unwrap_err();
    assert_eq!(error.code().as_str(), "event_refused");
    assert_eq!(error.to_string(), "event `wallet.paid` is refused by its check: not this amount");
    assert_eq!(app.store().info().await.unwrap().head, Position::NONE);
    app.execute(Pay { wallet: "w".into(), cents: 1 }).await.unwrap();
    assert_eq!(app.load::<Wallet>(&"w".into()).await.unwrap().state().cents, 1);
}

fn history() -> Vec<NewEvent> {
    vec![
        new(1, "wallet.paid", 1, &json!({ "amount": 5 })),
        new(2, "wallet.split", 1, &json!({ "parts": [1, 2] })),
        new(3, "wallet.coloured", 1, &json!({})),
        new(4, "wallet.paid", 4, &json!({ "cents": 10, "currency": "Usd", "at": null })),
        new(10, "wallet.credited", 2, &json!({ "cents": 100 })),
        new(11, "wallet.moved", 1, &json!({ "cents": 1_000 })),
    ]
}

#[tokio::test]
async fn a_stream_of_all_versions_loads_and_goes_on() {
    let app = App::new(cqrs_core::modules![wallet], MemoryStore::new()).unwrap();
    write(app.store(), history()).await;
    let root = app.load::<Wallet>(&"w".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (115, 6));
    assert_eq!(root.state().splits, [1, 2, 1_000, -1_000]);
    let executed = app.execute(Pay { wallet: "w".into(), cents: 1 });
    let executed = executed.await.unwrap();
    app.wait_for(executed.receipt.token().unwrap(), std::time::Duration::from_secs(9))
        .await
        .unwrap();
    assert_eq!(app.view::<Paid>().get(&"w".into()).await.unwrap(), Some(2_119));
}

/// A build that skips what it does not know decides on what it knows, counts
/// what it has skipped, and stores no state that lacks it.
#[tokio::test]
async fn skipped_events_are_counted_and_keep_the_state_out_of_snapshots() {
    let app = App::new(cqrs_core::modules![wallet], MemoryStore::new()).unwrap();
    let mut events = history();
    events.push(new(20, "wallet.paid", 9, &json!({ "euros": 1 })));
    events.push(new(21, "wallet.renamed", 1, &json!({})));
    write(app.store(), events).await;
    for _ in 0..4 {
        app.execute(Pay { wallet: "w".into(), cents: 1 }).await.unwrap();
    }
    app.settle().await;
    let stream = StreamId::new("wallet", "w").unwrap();
    assert_eq!(app.store().snapshot(&stream).await.unwrap(), None);
    app.catch_up(std::time::Duration::from_secs(9)).await.unwrap();
    let skipped = app.skipped_events();
    let kinds: Vec<_> =
        skipped.iter().map(|one| (one.event_type.as_str(), one.version.get())).collect();
    assert_eq!(kinds, [("wallet.paid", 9), ("wallet.renamed", 1)]);
    // Once by the command's load and once by the projection, which does not
    // read types that it does not know.
    assert_eq!((skipped[0].count, skipped[1].count), (2, 1));
}

/// A build that keeps what it does not know in a variant applies it, and still
/// stores no state: a build that knows the event would trust it. The
/// framework's own events are not among the unknown ones.
#[tokio::test]
async fn kept_events_are_applied_and_keep_the_state_out_of_snapshots() {
    mod keeping {
        use super::*;

        cqrs_core::module!();

        #[derive(Id)]
        pub struct Key(String);

        #[derive(Command)]
        pub struct Tick {
            pub key: Key,
        }

        #[derive(Event, Debug)]
        pub enum ClockEvent {
            Ticked,
            #[event(unknown)]
            Other(RawEvent),
        }

        #[derive(Rejection, Debug)]
        pub enum Never {}

        #[derive(Aggregate, Default)]
        #[aggregate(id = Key, event = ClockEvent, error = Never)]
        #[aggregate(snapshot = SnapshotPolicy::every(2))]
        pub struct Clock {
            pub ticks: u32,
            pub others: Vec<String>,
        }

        #[command_handlers]
        impl Clock {
            fn tick(&self, _: &Tick) -> ClockEvent {
                ClockEvent::Ticked
            }
        }

        #[apply]
        impl Apply for Clock {
            fn apply(&mut self, event: &ClockEvent) {
                match event {
                    ClockEvent::Ticked => self.ticks += 1,
                    ClockEvent::Other(raw) => self.others.push(raw.event_type.to_string()),
                }
            }
        }
    }
    use keeping::{Clock, Tick};

    let app = App::new(cqrs_core::modules![keeping], MemoryStore::new()).unwrap();
    let tick = |key: &str| app.execute(Tick { key: key.into() });
    let append = async |key: &str, event| {
        let operation = Operation::fresh(uuid::Uuid::from_u128(77).into());
        let stream = StreamId::new("clock", key).unwrap();
        let work = UnitOfWork::new(operation, Timestamp::EPOCH);
        let work = work.append(stream, ExpectedVersion::Any, vec![event]);
        app.store().commit(work).await.unwrap();
    };
    append("odd", new(50, "clock.rewound", 1, &json!({}))).await;
    for key in ["odd", "plain"] {
        for _ in 0..5 {
            tick(key).await.unwrap();
        }
    }
    app.settle().await;
    let root = app.load::<Clock>(&"odd".into()).await.unwrap();
    assert_eq!(
        (root.state().ticks, root.state().others.as_slice()),
        (5, &["clock.rewound".into()][..])
    );
    let snapshot = async |key| {
        let stream = StreamId::new("clock", key).unwrap();
        app.store().snapshot(&stream).await.unwrap().map(|one| one.version().get())
    };
    assert_eq!((snapshot("odd").await, snapshot("plain").await), (None, Some(4)));

    app.repository::<Clock>().delete(&"plain".into(), "worn out").await.unwrap();
    let error = tick("plain").await.unwrap_err();
    assert_eq!(error.code().as_str(), "aggregate_deleted");
    let root = app.load::<Clock>(&"plain".into()).await.unwrap();
    assert!(root.is_deleted() && root.state().others.is_empty());
}

#[tokio::test]
async fn an_event_that_is_not_encoded_as_its_shape_says_is_not_stored() {
    mod odd {
        use cqrs_core::prelude::*;
        use cqrs_core::schema::Shape;

        cqrs_core::module!();

        #[derive(Id)]
        pub struct Key(u8);

        /// It says that it is a number, and writes a text.
        #[derive(serde::Deserialize)]
        pub struct Odd;

        impl Schema for Odd {
            const SHAPE: &'static Shape = u8::SHAPE;
        }

        impl serde::Serialize for Odd {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str("odd")
            }
        }

        #[derive(Command)]
        pub struct Do {
            pub key: Key,
        }

        #[derive(Event)]
        pub enum OddEvent {
            Done { list: Vec<Odd> },
        }

        #[derive(Rejection, Debug)]
        pub enum Never {}

        #[derive(Aggregate, Default)]
        #[aggregate(id = Key, event = OddEvent, error = Never)]
        pub struct Thing;

        #[command_handlers]
        impl Thing {
            fn done(&self, _: &Do) -> OddEvent {
                OddEvent::Done { list: vec![Odd] }
            }
        }

        #[apply]
        impl Apply for Thing {
            fn apply(&mut self, event: &OddEvent) {
                match event {
                    OddEvent::Done { .. } => {}
                }
            }
        }
    }
    let app = App::new(cqrs_core::modules![odd], MemoryStore::new()).unwrap();
    let error = app.execute(odd::Do { key: odd::Key::from(1) }).await.unwrap_err();
    assert_eq!(error.code().as_str(), "event_shape");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "`list.[0]` is no u8");
    assert_eq!(app.store().info().await.unwrap().head, Position::NONE);
}

/// An event struct is written and read by the codec of the enum around it.
#[test]
fn an_event_struct_follows_the_codec_of_its_enum() {
    use cqrs_core::message::MessagePack;

    #[derive(Event, Debug, PartialEq)]
    #[event(name = "packed.moved", version = 2, upcast(1 as MovedV1))]
    struct Moved {
        by: i8,
    }

    #[derive(Value)]
    struct MovedV1 {
        by: i8,
    }

    impl From<MovedV1> for Moved {
        fn from(old: MovedV1) -> Self {
            Self { by: -old.by }
        }
    }

    #[derive(Event, Debug, PartialEq)]
    #[event(codec = MessagePack)]
    enum Packed {
        Moved(Moved),
    }

    let event = Packed::Moved(Moved { by: 5 });
    let mut payload = Vec::new();
    event.encode(&mut payload).unwrap();
    for (version, by) in [(2, 5), (1, -5)] {
        let new = NewEvent::new(
            EventId::from_uuid(uuid::Uuid::from_u128(1)),
            "packed.moved",
            SchemaVersion::new(version),
            Encoding::MESSAGE_PACK,
            payload.clone(),
            Timestamp::EPOCH,
        );
        let stream = StreamId::new("packed", "1").unwrap();
        let at = (Position::new(1), StreamVersion::new(1));
        let record = RecordedEvent::new(new, at.0, stream, at.1, Timestamp::EPOCH);
        let read = Packed::decode(&record).unwrap();
        assert_eq!(read, Decoded::One(Packed::Moved(Moved { by })));
    }
}
