use cqrs_core::event::RawEvent;
use cqrs_core::prelude::*;

#[derive(Event)]
#[event(unknown = "drop")]
enum One {
    Opened,
}

#[derive(Event)]
#[event(unknown = "skip")]
enum Two {
    Opened,
    #[event(unknown)]
    Other(RawEvent),
}

#[derive(Event)]
enum Three {
    #[event(unknown)]
    Other(RawEvent),
    #[event(unknown)]
    Another(RawEvent),
}

#[derive(Event)]
enum Four {
    #[event(unknown)]
    Other,
    #[event(unknown, name = "other")]
    Another { field: String },
}

fn main() {}
