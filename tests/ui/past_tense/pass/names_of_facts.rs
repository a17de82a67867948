use cqrs_core::prelude::*;

#[derive(Event)]
#[event(past_tense)]
enum AccountEvent {
    Opened { owner: String },
    OpenedAgain,
    Agreed,
    PaymentReceived { cents: i64 },
    Withdrawn { cents: i64 },
    InvoiceSent(InvoiceSent),
    #[event(unknown)]
    Other(RawEvent),
}

#[derive(Event)]
#[event(past_tense)]
struct InvoiceSent {
    number: u64,
}

/// Nobody has to.
#[derive(Event)]
enum TimerEvent {
    Tick,
}

fn main() {
    let _ = (AccountEvent::OpenedAgain, TimerEvent::Tick);
}
