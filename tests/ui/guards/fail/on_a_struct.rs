use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[guard]
struct AddressIsFree;

fn main() {}
