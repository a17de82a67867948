use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    #[serde(rename = "opened")]
    Opened { owner: String },
    #[serde(skip)]
    Closed,
    #[serde(other)]
    Unknown,
}

fn main() {}
