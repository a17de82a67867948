use cqrs_core::prelude::*;

#[derive(Event)]
#[event(prefx = "account")]
enum AccountEvent {
    #[event(nmae = "account.paid", version = 1)]
    Paid {
        #[event(tga)]
        customer: String,
    },
}

#[derive(Event)]
#[event(nane = "account.left")]
struct Left {
    customer: String,
}

fn main() {}
