//! What is accepted can be read back, whatever serde makes of it.

use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, Position};

/// Parts that serde reads through a buffer.
mod boxes {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use cqrs_core::prelude::*;

    cqrs_core::module!();

    #[derive(Id)]
    pub struct Key(u8);

    #[derive(Value, Clone, Debug)]
    #[serde(tag = "t")]
    pub enum Tagged {
        Big { a: u128 },
        Small { a: u64 },
        Named(Named),
    }

    #[derive(Value, Clone, Debug)]
    pub struct Named {
        pub t: u8,
    }

    #[derive(Value, Clone, Debug)]
    #[serde(untagged)]
    pub enum Untagged {
        One { x: u8 },
        Two { x: u8, y: u8 },
        Float(f32),
        Number(i64),
        Set(HashSet<String>),
    }

    #[derive(Value, Clone, Debug)]
    pub struct Flat {
        pub a: u8,
        #[serde(flatten)]
        pub rest: BTreeMap<String, u8>,
    }

    #[derive(Command)]
    pub struct Put {
        pub key: Key,
        pub event: BoxEvent,
    }

    #[derive(Event, Clone, Debug, serde::Serialize, serde::Deserialize)]
    pub enum BoxEvent {
        Tagged { held: Tagged },
        Untagged { held: Vec<Untagged> },
        Flat { held: Flat },
        Mapped { held: HashMap<String, Tagged> },
    }

    impl Schema for BoxEvent {
        const SHAPE: &'static cqrs_core::schema::Shape =
            &cqrs_core::schema::Shape::opaque("an event of a box");
    }

    #[derive(Rejection, Debug)]
    pub enum Never {}

    #[derive(Aggregate, Default)]
    #[aggregate(id = Key, event = BoxEvent, error = Never)]
    pub struct Box;

    #[command_handlers]
    impl Box {
        fn put(&self, put: &Put) -> BoxEvent {
            put.event.clone()
        }
    }

    #[apply]
    impl Apply for Box {
        fn apply(&mut self, _: &BoxEvent) {}
    }
}

use boxes::{Box, BoxEvent, Flat, Named, Put, Tagged, Untagged};

/// What the compiler cannot see is looked at before the commit: a part that
/// serde reads through a buffer may not be readable, or be something else.
#[tokio::test]
async fn an_event_that_could_not_be_read_back_is_not_stored() {
    let app = App::new(cqrs_core::modules![boxes], MemoryStore::new()).unwrap();
    let put = |event: BoxEvent| app.execute(Put { key: 1.into(), event });
    let untagged = |one: Untagged| BoxEvent::Untagged { held: vec![one] };
    let flat = |key: &str| {
        let rest = [(key.to_owned(), 2)].into();
        BoxEvent::Flat { held: Flat { a: 1, rest } }
    };
    for (event, cause) in [
        (BoxEvent::Tagged { held: Tagged::Big { a: 5 } }, "u128 is not supported"),
        (BoxEvent::Tagged { held: Tagged::Named(Named { t: 1 }) }, "duplicate field `t`"),
        (flat("a"), "duplicate field `a`"),
        (untagged(Untagged::Two { x: 1, y: 2 }), "it would be read back as another value"),
        (untagged(Untagged::Number(7)), "it would be read back as another value"),
    ] {
        let error = put(event.clone()).await.unwrap_err();
        assert_eq!(error.code().as_str(), "event_not_storable");
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(said.contains(cause), "{event:?}: {said}");
    }
    assert_eq!(app.store().info().await.unwrap().head, Position::NONE);

    let many = || ('a'..='z').map(String::from);
    for event in [
        BoxEvent::Tagged { held: Tagged::Small { a: u64::MAX } },
        flat("b"),
        untagged(Untagged::One { x: 1 }),
        untagged(Untagged::Float(0.5)),
        untagged(Untagged::Set(many().collect())),
        BoxEvent::Mapped { held: many().map(|key| (key, Tagged::Small { a: 1 })).collect() },
    ] {
        put(event).await.unwrap();
    }
    let _ = app.load::<Box>(&1.into()).await.unwrap();
}
