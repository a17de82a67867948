use cqrs_core::prelude::*;

#[derive(Event)]
#[event(prefix = "lifecycle")]
enum AccountEvent {
    Deleted { by: String },
}

#[derive(Event)]
#[event(name = "lifecycle.paused")]
struct Paused {
    by: String,
}

fn main() {}
