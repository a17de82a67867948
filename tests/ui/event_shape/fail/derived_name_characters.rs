use cqrs_core::prelude::*;

#[derive(Event)]
enum ÚčetEvent {
    Otevřen { vlastník: String },
}

fn main() {}
