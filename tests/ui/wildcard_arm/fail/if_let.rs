use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
    Closed,
    Reopened,
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account {
    cents: i64,
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        if let AccountEvent::Deposited { cents } = event {
            self.cents += cents;
        }
    }
}

fn main() {}
