#![deny(warnings)]

use elsewhere::cqrs;

mod elsewhere {
    pub extern crate cqrs_core as cqrs;
}

// The crate's own name means nothing here, as where it is renamed in the manifest.
mod cqrs_core {}

mod bank {
    use super::elsewhere::cqrs;
    use cqrs::prelude::*;

    #[derive(Id)]
    #[id(crate = cqrs)]
    pub struct AccountId(String);

    #[derive(Command)]
    #[command(crate = cqrs)]
    pub struct Deposit {
        pub account: AccountId,
        #[check(min = 1)]
        pub cents: i64,
    }

    #[derive(Command)]
    #[command(crate = super::elsewhere::cqrs)]
    pub struct Open {
        pub account: AccountId,
    }

    #[derive(Command)]
    #[command(crate = cqrs)]
    pub struct Close {
        pub account: AccountId,
    }

    #[derive(Event)]
    #[event(crate = cqrs)]
    pub enum AccountEvent {
        Deposited {
            #[event(tag)]
            cents: i64,
        },
    }

    #[derive(Rejection, Debug)]
    pub enum AccountError {}

    #[derive(Aggregate, Default)]
    #[aggregate(
        id = AccountId,
        event = AccountEvent,
        error = AccountError,
        snapshot = SnapshotPolicy::every(2),
        crate = cqrs
    )]
    pub struct Account {
        cents: i64,
    }

    #[command_handlers(crate = cqrs)]
    impl Account {
        fn deposit(&self, cmd: &Deposit) -> AccountEvent {
            AccountEvent::Deposited { cents: cmd.cents }
        }
    }

    #[apply(crate = cqrs)]
    impl Apply for Account {
        fn apply(&mut self, event: &AccountEvent) {
            match event {
                AccountEvent::Deposited { cents } => self.cents += cents,
            }
        }
    }

    #[derive(Projection, Default)]
    #[projection(event = AccountEvent, key = AccountId, row = i64, crate = cqrs)]
    pub struct Balances;

    impl Project for Balances {
        async fn project(
            &self,
            event: &Recorded<AccountEvent>,
            rows: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            let AccountEvent::Deposited { cents } = event.data();
            rows.update(event.aggregate_id::<AccountId>()?, |balance| *balance += cents).await
        }
    }

    #[derive(Query)]
    #[query(output = i64, crate = cqrs)]
    pub struct GetBalance {
        pub account: AccountId,
    }

    #[query_handler(crate = cqrs)]
    async fn balance(query: &GetBalance, view: View<Balances>) -> Result<i64, QueryError> {
        Ok(view.get(&query.account).await?.unwrap_or(0))
    }

    #[command_handler(crate = cqrs)]
    async fn open(_: &Open) -> Result<(), AccountError> {
        Ok(())
    }

    pub struct Service;

    #[handlers(crate = super::elsewhere::cqrs)]
    impl Service {
        #[command_handler]
        async fn close(&self, _: &Close) -> Result<(), AccountError> {
            Ok(())
        }
    }

    cqrs::module!();
}

fn main() {
    use cqrs::prelude::*;
    let modules = cqrs::modules![bank];
    assert!(modules[0].path().ends_with("bank"));
    let _ = |app: App, account: bank::AccountId| async move {
        let _ = app.execute(bank::Deposit { account: account.clone(), cents: 1 }).await;
        let _ = app.execute(bank::Open { account: account.clone() }).await;
        let _ = app.execute(bank::Close { account: account.clone() }).await;
        let _ = app.query(bank::GetBalance { account }).await;
    };
}
