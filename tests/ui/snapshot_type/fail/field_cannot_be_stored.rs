use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Default)]
struct Ledger;

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error, snapshot = SnapshotPolicy::every(10))]
struct Account {
    cents: i64,
    ledger: Ledger,
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

fn main() {}
