use cqrs_core::prelude::*;
use cqrs_postgres::PostgresStore;

use crate::{Bank, NOTE};

cqrs_core::module!();

#[derive(Id)]
struct AccountId(u64);

#[derive(Command)]
struct Deposit {
    account: AccountId,
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64, note: String },
}

#[derive(Rejection, Debug)]
enum AccountError {
    NotPositive,
}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
struct Account {
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(cmd.cents > 0 && self.cents >= 0, AccountError::NotPositive);
        Ok(AccountEvent::Deposited { cents: cmd.cents, note: NOTE.to_owned() })
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents, .. } => self.cents += cents,
        }
    }
}

pub struct Ours(App);

impl Ours {
    pub async fn open(url: &str) -> Self {
        let store = PostgresStore::open(url).await.expect("the server lets it in");
        let modules = cqrs_core::modules![crate::ours];
        let app = App::builder().modules(modules).store(store).build();
        Self(app.expect("the account is complete"))
    }
}

#[async_trait::async_trait]
impl Bank for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    async fn deposit(&self, account: u64) {
        let deposit = Deposit { account: AccountId::from(account), cents: 5 };
        self.0.execute(deposit).await.expect("no conflict reaches a caller");
    }
}
