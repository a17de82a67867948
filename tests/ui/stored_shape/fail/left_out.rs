use cqrs_core::prelude::*;

#[derive(Event)]
enum OrderEvent {
    Placed {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    },
}

fn main() {}
