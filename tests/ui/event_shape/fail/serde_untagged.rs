use cqrs_core::prelude::*;

#[derive(Event)]
#[serde(untagged)]
#[serde(rename_all = "camelCase")]
enum AccountEvent {
    Opened { owner: String },
}

fn main() {}
