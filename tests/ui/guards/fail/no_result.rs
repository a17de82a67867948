use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard]
async fn address_is_free(command: &Register) -> bool {
    command.email.is_empty()
}

fn main() {}
