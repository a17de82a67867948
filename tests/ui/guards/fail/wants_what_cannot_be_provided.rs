use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard]
fn address_is_free(_: &Register, limit: u32) -> Result<(), Violations> {
    let _ = limit;
    Ok(())
}

fn main() {}
