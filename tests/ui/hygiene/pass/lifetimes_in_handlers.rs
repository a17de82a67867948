#![deny(warnings)]

use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct Count;

#[query_handler]
async fn count<'a>(
    query: &'a Count,
    metadata: &'a Metadata,
    ctx: &'a Context,
) -> Result<i64, QueryError> {
    let _ = (query, metadata, ctx);
    Ok(1)
}

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
    fn deposit<'a>(
        &'a self,
        cmd: &'a Deposit,
        metadata: &Metadata,
    ) -> std::result::Result<Option<AccountEvent>, std::fmt::Error> {
        let _ = (&cmd.account, metadata);
        Ok(Some(AccountEvent::Deposited))
    }
}

#[apply]
impl Apply for Account {
    fn apply<'a>(&'a mut self, event: &'a AccountEvent) {
        match event {
            AccountEvent::Deposited => {}
        }
    }
}

fn main() {
    let _ = |app: App| async move {
        let _ = app.query(Count).await;
        let _ = app.execute(Deposit { account: String::new() }).await;
    };
}
