use cqrs_core::prelude::*;

#[apply]
fn apply() {}

fn main() {}
