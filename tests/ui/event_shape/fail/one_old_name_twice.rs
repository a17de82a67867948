use cqrs_core::prelude::*;

#[derive(Event)]
#[event(retired("account.closed", "account.shut"))]
enum AccountEvent {
    #[event(formerly("account.closed", "account.begun", "account.opened"))]
    Opened { owner: String },
    #[event(formerly("account.begun"))]
    Closed { reason: String },
    #[event(formerly("account.shut", "account.shut"))]
    Shut {},
}

#[derive(Event)]
#[event(name = "account.renamed", formerly("account.renamed"))]
struct Renamed {
    owner: String,
}

fn main() {}
