use cqrs_core::prelude::*;

#[derive(Event)]
#[serde(tag = "type")]
enum AccountEvent {
    Opened { owner: String },
}

fn main() {}
