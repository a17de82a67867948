#![deny(warnings)]

use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
}

#[derive(Event)]
enum AccountEvent {
    Deposited,
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account;

#[command_handlers]
impl Account {
    #[cfg(any())]
    fn absent(&self, cmd: &NoSuchType) -> AccountEvent {
        AccountEvent::Deposited
    }

    #[cfg(all())]
    fn deposit(&self, _: &Deposit) -> AccountEvent {
        AccountEvent::Deposited
    }

    #[cfg(not(all()))]
    fn deposit(&self, _: &Deposit) -> Option<AccountEvent> {
        None
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited => {}
        }
    }
}

#[derive(Query)]
#[query(output = i64)]
struct Count;

struct Service;

#[handlers]
impl Service {
    #[cfg(any())]
    #[query_handler]
    async fn absent(&self, _: &NoSuchType) -> Result<i64, QueryError> {
        Ok(1)
    }

    #[query_handler]
    #[cfg(all())]
    async fn count(&self, _: &Count) -> Result<i64, QueryError> {
        Ok(1)
    }
}

#[query_handler]
#[cfg(any())]
async fn absent(_: &NoSuchType) -> Result<i64, QueryError> {
    Ok(1)
}

#[cfg(any())]
#[query_handler]
async fn absent(_: &NoSuchType) -> Result<i64, QueryError> {
    Ok(1)
}

fn main() {
    let _ = |app: App| async move {
        let _ = app.execute(Deposit { account: String::new() }).await;
        let _ = app.query(Count).await;
    };
    let _ = Service;
}
