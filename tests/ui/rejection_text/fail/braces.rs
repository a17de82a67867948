use cqrs_core::prelude::*;

#[derive(Rejection, Debug)]
enum AccountError {
    /// Write {} instead of } or {.
    Syntax { by: i64 },
}

fn main() {}
