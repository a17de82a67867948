use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard]
async fn address_is_free(_: &Register) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
