//! Every form that a step can have.

use cqrs_core::event::{Decoded, RawEvent};
use cqrs_core::prelude::*;
use cqrs_core::store::RecordedEvent;

mod old {
    use super::*;

    #[derive(Value)]
    pub struct PaidV1<T> {
        pub amount: T,
    }

    #[derive(Value)]
    pub struct PaidV2 {
        pub cents: i64,
    }

    impl From<PaidV1<i64>> for PaidV2 {
        fn from(old: PaidV1<i64>) -> Self {
            Self { cents: old.amount }
        }
    }

    pub fn untyped(event: Untyped, _: &RecordedEvent) -> Untyped {
        event
    }
}

#[derive(Event, Debug)]
#[event(retired("account.gone", "account.split" => split,), check = sound)]
enum AccountEvent {
    #[event(version = 5, formerly("account.in", "in"))]
    #[event(upcast(1 as old::PaidV1<i64>, 2 => from_2, 3 => old::untyped, 4 => Self::from_4))]
    #[event(downcast(2 => to_2, 4 => old_form))]
    Paid { cents: i64 },
    #[event(version = 4, upcast(1 => none, 2 => maybe, 3 => several))]
    Drawn { cents: i64 },
    #[event(version = 1_000, first = 999, upcast(999 => fails))]
    Moved {},
    Held(Held),
    #[event(unknown)]
    Unknown(RawEvent),
}

#[derive(Event, Debug)]
#[event(version = 3, upcast(1 as HeldV1, 2 => held), downcast(1 => held_form))]
struct Held {
    at: u8,
}

#[derive(Value)]
struct HeldV1 {
    at: i8,
}

impl TryFrom<HeldV1> for HeldV2 {
    type Error = std::num::TryFromIntError;

    fn try_from(old: HeldV1) -> Result<Self, Self::Error> {
        old.at.try_into().map(|at| Self { at })
    }
}

#[derive(Value)]
struct HeldV2 {
    at: u8,
}

fn held(old: HeldV2) -> Held {
    Held { at: old.at }
}

fn held_form(event: &Held) -> (u8,) {
    (event.at,)
}

impl AccountEvent {
    fn from_4(event: Untyped) -> Result<Self, &'static str> {
        let cents = event.get("cents").map_err(|_| "no number")?;
        Ok(Self::Paid { cents: cents.unwrap_or_default() })
    }
}

fn from_2(old: old::PaidV2) -> Result<Untyped, std::convert::Infallible> {
    let mut event = Untyped::from(serde_json::json!({}));
    event.set("cents", old.cents);
    Ok(event)
}

fn to_2(event: &AccountEvent) -> i64 {
    if let AccountEvent::Paid { cents } = event { *cents } else { 0 }
}

fn old_form(event: Untyped) -> Untyped {
    event
}

fn none(_: Untyped) {}

fn maybe(_: Untyped) -> Option<AccountEvent> {
    None
}

fn several(_: Untyped) -> Result<Decoded<AccountEvent>, String> {
    Ok(Decoded::none())
}

fn fails(_: Untyped) -> Result<AccountEvent, String> {
    Err("always".to_owned())
}

fn split(_: Untyped) -> [AccountEvent; 2] {
    [AccountEvent::Drawn { cents: 1 }, AccountEvent::Moved {}]
}

fn sound(_: &AccountEvent) -> Result<(), String> {
    Ok(())
}

fn main() {
    let kinds: Vec<_> =
        AccountEvent::TYPES.iter().map(|kind| (kind.version.get(), kind.history.len())).collect();
    assert_eq!(kinds, [(5, 4), (4, 3), (1_000, 1), (3, 2)]);
    assert_eq!(AccountEvent::RETIRED, ["account.gone", "account.split"]);
}
