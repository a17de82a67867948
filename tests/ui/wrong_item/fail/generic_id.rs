use cqrs_core::prelude::*;

#[derive(Id)]
struct Of<T>(T);

fn main() {}
