//! The first screen: a bank account from commands to a read model.
use cqrs_core::prelude::*;

#[derive(Id)]
struct AccountId(String);

#[derive(Command)]
struct Open {
    account: AccountId,
    #[check(required)]
    owner: String,
}
#[derive(Command)]
struct Deposit {
    account: AccountId,
    #[check(min = 1)]
    cents: i64,
}
#[derive(Command)]
struct Withdraw {
    account: AccountId,
    #[check(min = 1)]
    cents: i64,
}

#[derive(Event, Clone, Debug, PartialEq)]
enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: i64 },
    Withdrawn { cents: i64 },
}

#[derive(Debug, PartialEq)]
enum AccountError {
    AlreadyOpen,
    NotOpen,
    Overdrawn { by: i64 },
}
impl std::fmt::Display for AccountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
impl std::error::Error for AccountError {}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
struct Account {
    open: bool,
    cents: i64,
}

#[command_handlers]
impl Account {
    fn open(&self, cmd: &Open) -> Result<AccountEvent, AccountError> {
        ensure!(!self.open, AccountError::AlreadyOpen);
        Ok(AccountEvent::Opened { owner: cmd.owner.clone() })
    }
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        Ok(AccountEvent::Deposited { cents: cmd.cents })
    }
    fn withdraw(&self, cmd: &Withdraw) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        ensure!(self.cents >= cmd.cents, AccountError::Overdrawn { by: cmd.cents - self.cents });
        Ok(AccountEvent::Withdrawn { cents: cmd.cents })
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = AccountId, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let cents = match event.data() {
            AccountEvent::Opened { .. } => 0,
            AccountEvent::Deposited { cents } => *cents,
            AccountEvent::Withdrawn { cents } => -cents,
        };
        rows.update(event.aggregate_id::<AccountId>()?, |balance| *balance += cents).await
    }
}

#[derive(Query)]
#[query(output = Option<i64>)]
struct Balance {
    account: AccountId,
}

#[query_handler]
async fn balance(query: &Balance, balances: View<Balances>) -> Result<Option<i64>, QueryError> {
    Ok(balances.get(&query.account).await?)
}

module!();

#[tokio::test]
async fn four_commands_and_a_query() {
    let app = App::builder().modules(modules![crate]).store(MemoryStore::new()).build().unwrap();
    let ada = AccountId::from("ada");
    app.execute(Open { account: ada.clone(), owner: "Ada".into() }).await.unwrap();
    app.execute(Deposit { account: ada.clone(), cents: 100 }).await.unwrap();
    let done = app.execute(Withdraw { account: ada.clone(), cents: 30 }).await.unwrap();
    let rejected = app.execute(Withdraw { account: ada.clone(), cents: 100 }).await.unwrap_err();
    assert_eq!(rejected.rejection(), Some(&AccountError::Overdrawn { by: 30 }));
    app.wait_for(done.receipt.token().unwrap(), std::time::Duration::from_secs(5)).await.unwrap();
    assert_eq!(app.query(Balance { account: ada }).await.unwrap(), Some(70));
}
