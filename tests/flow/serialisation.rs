//! A derived type is read and written as by serde's own derives: the same
//! inputs are taken, the same mistakes are found, in the same words.

use std::fmt::Debug;

use serde::de::value::{Error as ValueError, MapDeserializer, SeqDeserializer};
use serde::{Deserialize, Serialize};

mod ours {
    use cqrs_core::prelude::*;

    #[derive(Value, Debug, PartialEq)]
    pub(super) struct Order {
        pub(super) id: u64,
        pub(super) name: String,
        pub(super) r#type: Option<u32>,
        pub(super) tags: Vec<String>,
    }

    #[derive(Value, Debug, PartialEq)]
    pub(super) struct Empty {}

    #[derive(Value, Debug, PartialEq)]
    pub(super) struct Single {
        pub(super) only: bool,
    }
}

mod by_serde {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub(super) struct Order {
        id: u64,
        name: String,
        r#type: Option<u32>,
        tags: Vec<String>,
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub(super) struct Empty {}

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub(super) struct Single {
        only: bool,
    }
}

const INPUTS: &[&str] = &[
    r#"{"id":1,"name":"a","type":2,"tags":["x","y"]}"#,
    r#"{"tags":[],"type":null,"name":"a","id":1}"#,
    r#"{"id":1,"name":"a","tags":[]}"#,
    r#"{"id":1,"name":"a","tags":[],"more":{"deep":[1,{"er":null}]}}"#,
    r#"{"id":1,"tags":[]}"#,
    r#"{"id":1,"name":"a","type":2}"#,
    r#"{"id":1,"name":"a","name":"b","tags":[]}"#,
    r#"{"id":1,"type":null,"type":2,"name":"b","tags":[]}"#,
    r#"{"id":-1,"name":"a","tags":[]}"#,
    r#"{"id":"1","name":"a","tags":[]}"#,
    r#"{"id":1.5,"name":"a","tags":[]}"#,
    r#"{"id":1,"name":null,"tags":[]}"#,
    r#"{"id":1,"name":"a","type":4294967296,"tags":[]}"#,
    r#"{"id":1,"name":"a","tags":[1]}"#,
    r#"{"i\u0064":1,"n\u0061me":"a","tags":[]}"#,
    r#"{"ID":1,"name":"a","tags":[]}"#,
    r#"{"r#type":1,"id":1,"name":"a","tags":[]}"#,
    r#"{"0":1,"1":"a","3":[]}"#,
    r#"[1,"a",2,["x"]]"#,
    r#"[1,"a",null,[]]"#,
    r#"[1,"a",2]"#,
    r#"[1,"a",2,[],5]"#,
    "[]",
    "{}",
    "null",
    "true",
    "7",
    r#""text""#,
    r#"{"only":true}"#,
    r#"{"only":true,"only":false}"#,
    r#"{"id":1,"#,
    r#"{"id":1,"name":"a","tags":[]} "#,
    r#"{"id":1,"name":"a","tags":[]} more"#,
    "",
];

/// What a type makes of an input, as text and written again.
fn seen<'a, T: Deserialize<'a> + Serialize + Debug>(input: &'a str) -> Result<String, String> {
    let value: T = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let json = serde_json::to_string(&value).expect("it is written");
    let packed = rmp_serde::to_vec(&value).expect("it is written");
    let named = rmp_serde::to_vec_named(&value).expect("it is written");
    Ok(format!("{value:?} {json} {packed:?} {named:?}"))
}

#[test]
fn every_input_is_taken_as_serde_takes_it() {
    let mut taken = 0;
    for input in INPUTS {
        let ours =
            [seen::<ours::Order>(input), seen::<ours::Empty>(input), seen::<ours::Single>(input)];
        let theirs = [
            seen::<by_serde::Order>(input),
            seen::<by_serde::Empty>(input),
            seen::<by_serde::Single>(input),
        ];
        assert_eq!(ours, theirs, "{input}");
        taken += ours.iter().filter(|one| one.is_ok()).count();
    }
    assert!(taken > 10, "only {taken} were taken");
}

#[test]
fn keys_may_be_places_and_bytes() {
    type Read<T> = Result<T, ValueError>;
    let places = || MapDeserializer::new([(0_u64, true), (9, false)].into_iter());
    let ours: Read<ours::Single> = ours::Single::deserialize(places());
    let theirs: Read<by_serde::Single> = by_serde::Single::deserialize(places());
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    assert!(ours.is_ok(), "{ours:?}");

    let bytes = || {
        let key = serde::de::value::BorrowedBytesDeserializer::new(b"only");
        MapDeserializer::new(std::iter::once((key, true)))
    };
    let ours: Read<ours::Single> = ours::Single::deserialize(bytes());
    let theirs: Read<by_serde::Single> = by_serde::Single::deserialize(bytes());
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    assert!(ours.is_ok(), "{ours:?}");

    let none = || SeqDeserializer::new(std::iter::empty::<bool>());
    let ours: Read<ours::Single> = ours::Single::deserialize(none());
    let theirs: Read<by_serde::Single> = by_serde::Single::deserialize(none());
    assert_eq!(ours.unwrap_err(), theirs.unwrap_err());
}
