use cqrs_core::prelude::*;

#[derive(Event)]
#[event(past_tense)]
enum AccountEvent {
    Opened { owner: String },
    Deposit { cents: i64 },
    Seed { cents: i64 },
    Close,
    #[event(past_tense)]
    Paid,
}

#[derive(Event)]
#[event(past_tense)]
struct SendInvoice {
    number: u64,
}

fn main() {}
