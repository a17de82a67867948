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
    fn deposit(&self, cmd: &Deposit, metadata: &Metadata) -> Option<AccountEvent> {
        metadata
            .actor
            .is_none()
            .then_some(AccountEvent::Deposited { cents: cmd.cents + self.fee() })
    }
}

async fn run(app: &App) {
    let _ = app.execute(Deposit { account: "ada".into(), cents: 1 }).await;
}

impl Account {
    fn fee(&self) -> i64 {
        1
    }
}

fn main() {
    let _ = run;
}
