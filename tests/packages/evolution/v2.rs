//! The second build: the amount has a unit in its name.

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
    #[event(version = 2, upcast(1 => deposited_from_1))]
    Deposited { cents: i64 },
}

/// `account.deposited`, from version 1 to version 2.
fn deposited_from_1(mut event: Untyped) -> Untyped {
    event.rename("amount", "cents");
    event
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
        AccountEvent::Deposited { cents: cmd.amount }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).expect("a path is given");
    let app = App::new(cqrs_core::modules![crate], SqliteStore::open(path).await?)?;
    for amount in [10, 20] {
        app.execute(Deposit { account: AccountId(1), amount }).await?;
    }
    app.settle().await;
    println!("{}", app.load::<Account>(&AccountId(1)).await?.state().cents);
    app.shutdown().await;
    Ok(())
}
