use cqrs_core::prelude::*;

#[derive(Id)]
struct AccountId(f64);

fn main() {}
