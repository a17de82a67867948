use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard(name = "free")]
fn address_is_free(_: &Register) -> Result<(), Violations> {
    Ok(())
}

fn main() {}
