use cqrs_core::prelude::*;

#[derive(Debug)]
struct Money;

#[derive(Rejection, Debug)]
enum AccountError {
    /// The account is overdrawn by {by}.
    Overdrawn { by: Money },
}

fn main() {}
