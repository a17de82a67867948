use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    #[check(mn = 1, lenght(min = 1))]
    cents: String,
    #[check(length(mim = 1))]
    note: String,
}

fn main() {}
