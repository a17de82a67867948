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

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<String, i64> {
        Ok(cmd.account.clone())
    }
}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into(), cents: 1 }).await;
    let _ = app.execute(Deposit { account: "eve".into(), cents: 1 }).await.unwrap();
}

fn main() {}
