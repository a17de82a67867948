use cqrs_core::prelude::*;

#[derive(Event)]
struct Opened(String, i64);

fn main() {}
