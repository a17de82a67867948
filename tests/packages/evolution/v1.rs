//! The first build of a small program.

use cqrs_core::prelude::*;
use cqrs_sqlite::SqliteStore;

cqrs_core::module!();

#[derive(Id)]
struct AccountId(u64);

#[derive(Command)]
struct Deposit {
    account: AccountId,
    amount: i64,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { amount: i64 },
}

#[derive(Rejection, Debug)]
enum AccountError {}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
#[aggregate(snapshot = SnapshotPolicy::every(2))]
struct Account {
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> AccountEvent {
        AccountEvent::Deposited { amount: cmd.amount }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { amount } => self.cents += amount,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).expect("a path is given");
    let app = App::new(cqrs_core::modules![crate], SqliteStore::open(path).await?)?;
    for amount in [1, 2, 3] {
        app.execute(Deposit { account: AccountId(1), amount }).await?;
    }
    app.settle().await;
    println!("{}", app.load::<Account>(&AccountId(1)).await?.state().cents);
    app.shutdown().await;
    Ok(())
}
