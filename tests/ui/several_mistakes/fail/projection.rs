use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, kye = String, row = i64, version = 0, name = "")]
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

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[query_handler]
async fn balance(query: &GetBalance, view: View<Balances>) -> Result<i64, QueryError> {
    Ok(view.get(&query.account).await?.unwrap_or(0))
}

fn main() {}
