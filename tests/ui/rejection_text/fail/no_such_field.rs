use cqrs_core::prelude::*;

#[derive(Rejection, Debug)]
enum AccountError {
    /// The account is overdrawn by {cents} cents.
    Overdrawn { by: i64 },
    /// {1} is frozen.
    Frozen(String),
    /// Nothing is {left}.
    Empty,
}

fn main() {}
