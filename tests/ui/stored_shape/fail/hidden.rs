use cqrs_core::prelude::*;

#[derive(Value, Clone)]
#[serde(try_from = "String", into = "String")]
struct Day(String);

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(Self(text))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

#[derive(Event)]
enum AccountEvent {
    Opened {
        #[serde(with = "as_text")]
        day: u16,
    },
    Closed {
        #[serde(serialize_with = "text")]
        day: u16,
    },
}

fn main() {}
