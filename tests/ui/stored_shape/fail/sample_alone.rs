use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Opened {
        #[schema(sample = "1")]
        day: u16,
    },
}

fn main() {}
