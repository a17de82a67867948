use cqrs_core::prelude::*;

#[derive(Id)]
struct AccountId(u64);

#[derive(Command)]
struct Open {
    id: AccountId,
}

#[derive(Command)]
struct Deposit {
    id: AccountId,
    cents: i64,
}

#[derive(Command)]
struct Withdraw {
    id: AccountId,
    cents: i64,
}

#[derive(Event, Debug, PartialEq)]
enum AccountEvent {
    Opened,
    Deposited { cents: i64 },
    Withdrawn { cents: i64 },
}

#[derive(Rejection, Debug, PartialEq)]
enum AccountError {
    AlreadyOpen,
    NotOpen,
    Overdrawn,
}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
struct Account {
    open: bool,
    cents: i64,
}

#[command_handlers]
impl Account {
    fn open(&self, _: &Open) -> Result<AccountEvent, AccountError> {
        ensure!(!self.open, AccountError::AlreadyOpen);
        Ok(AccountEvent::Opened)
    }

    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        Ok(AccountEvent::Deposited { cents: cmd.cents })
    }

    fn withdraw(&self, cmd: &Withdraw) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        ensure!(self.cents >= cmd.cents, AccountError::Overdrawn);
        Ok(AccountEvent::Withdrawn { cents: cmd.cents })
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened => self.open = true,
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
        }
    }
}

module!();

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new(modules![crate], MemoryStore::new())?;
    let id = AccountId(4711);
    app.execute(Open { id }).await?;
    app.execute(Deposit { id, cents: 100 }).await?;
    app.execute(Withdraw { id, cents: 30 }).await?;
    let refused = app.execute(Withdraw { id, cents: 99 }).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&AccountError::Overdrawn));
    assert_eq!(app.load::<Account>(&id).await?.state().cents, 70);
    Ok(())
}
