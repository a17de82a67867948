use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, row = i64)]
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

#[query_handler]
async fn balance(_: View<Balances>) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {}
