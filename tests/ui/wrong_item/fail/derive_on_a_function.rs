#[derive(cqrs_core::Command)]
fn deposit() {}

fn main() {}
