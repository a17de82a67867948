use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard]
async fn address_is_free(command: &Register) -> Result<bool, Violations> {
    Ok(command.email.is_empty())
}

fn main() {}
