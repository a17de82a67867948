use cqrs_core::prelude::*;

#[derive(Event)]
#[event(check = sound)]
enum AccountEvent {
    Deposited { cents: i64 },
}

fn sound(cents: &i64) -> Result<(), String> {
    let _ = cents;
    Ok(())
}

fn main() {}
