use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

struct Row;

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, row = Row)]
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
