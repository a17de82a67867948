use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

struct Shelf;

#[guard]
fn is_empty(_: &Shelf) -> Result<(), Violations> {
    Ok(())
}

fn main() {}
