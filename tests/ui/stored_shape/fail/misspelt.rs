use cqrs_core::prelude::*;

#[derive(Value)]
#[schema(opaqe = "a day")]
struct Day {
    year: u16,
}

#[derive(Value)]
struct Month {
    #[schema(smaple = "1")]
    year: u16,
    #[schema(crate = cqrs_core)]
    month: u8,
}

fn main() {}
