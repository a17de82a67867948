use cqrs_core::prelude::*;

#[derive(Command)]
#[command(timeout = "30", concurrency = 0, role = "", polcy = "x", cache)]
struct Deposit {
    account: String,
}

fn main() {}
