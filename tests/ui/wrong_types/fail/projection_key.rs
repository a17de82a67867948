use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = f64, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        _: &Recorded<AccountEvent>,
        _: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

fn main() {}
