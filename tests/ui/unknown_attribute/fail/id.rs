use cqrs_core::prelude::*;

#[derive(Id)]
#[id(krate = cqrs_core)]
struct AccountId(String);

fn main() {}
