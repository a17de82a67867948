use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account {
    cents: i64,
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

#[derive(Command)]
struct Withdraw {
    account: String,
    cents: i64,
}

#[command_handlers(crat = cqrs_core)]
impl Account {
    async fn deposit(&self, _: &Deposit, _: Dep<String>) -> Result<AccountEvent, std::fmt::Error> {
        Ok(AccountEvent::Deposited { cents: 1 })
    }

    fn helper(self) {}

    fn withdraw(&self, _: &Withdraw) -> Result<AccountEvent, std::fmt::Error> {
        Ok(AccountEvent::Deposited { cents: 1 })
    }
}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into(), cents: 1 }).await;
    let _ = app.execute(Withdraw { account: "ada".into(), cents: 1 }).await;
}

fn main() {}
