use cqrs_core::prelude::*;

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
struct Deposit {
    note: String,
    #[id]
    account: String,
}

#[derive(Command)]
struct Withdraw {
    account: String,
    cents: i64,
}

#[derive(Command)]
struct Close(String);

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> AccountEvent {
        AccountEvent::Deposited { cents: cmd.note.len() as i64 }
    }

    fn withdraw(&self, cmd: &Withdraw) -> AccountEvent {
        AccountEvent::Deposited { cents: -cmd.cents }
    }

    fn close(&self, _: &Close) {}
}

fn main() {}
