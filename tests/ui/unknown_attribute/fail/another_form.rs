use cqrs_core::prelude::*;

#[derive(Command)]
#[command(name, version = "2", error(String))]
struct Deposit {
    account: String,
    #[check(min, required = true, length = 3)]
    cents: String,
}

#[derive(Event)]
#[event]
enum AccountEvent {
    Paid,
}

#[derive(Query)]
#[query = "i64"]
struct GetBalance;

fn main() {}
