use cqrs_core::prelude::*;

struct Deposited;

#[derive(Projection, Default)]
#[projection(event = Deposited, key = String, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        _: &Recorded<Deposited>,
        _: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

fn main() {}
