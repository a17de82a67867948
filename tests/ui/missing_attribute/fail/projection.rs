use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let AccountEvent::Deposited { cents } = event.data();
        rows.update(event.stream().key().to_owned(), |balance| *balance += cents).await
    }
}

fn main() {}
