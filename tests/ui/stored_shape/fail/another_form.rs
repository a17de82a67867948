use cqrs_core::prelude::*;

#[derive(Value)]
#[schema(opaque)]
struct Day {
    #[schema(as = "String")]
    year: u16,
    #[schema]
    month: u8,
}

fn main() {}
