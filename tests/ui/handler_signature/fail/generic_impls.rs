use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Command)]
struct Deposit {
    account: String,
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account<T: Default + Send + Sync + 'static> {
    kind: T,
}

#[command_handlers]
impl<T: Default + Send + Sync + 'static> Account<T> {
    fn deposit(&self, _: &Deposit) -> AccountEvent {
        AccountEvent::Deposited { cents: 1 }
    }
}

struct Service<T>(T);

#[handlers]
impl<T> Service<T> {
    #[query_handler]
    async fn balance(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(1)
    }
}

fn main() {}
