#![deny(warnings)]
#![allow(unexpected_cfgs, dead_code)]

use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    #[id]
    account: String,
    #[cfg(any())]
    #[check(min = "never read")]
    absent: NoSuchType,
    #[cfg(all())]
    #[check(min = 1)]
    cents: i64,
    #[cfg_attr(all(), check(required))]
    #[cfg_attr(all(), serde(default))]
    note: String,
}

#[derive(Event)]
#[cfg_attr(all(), event(prefix = "bank"))]
enum AccountEvent {
    Deposited {
        cents: i64,
        #[cfg(any())]
        absent: NoSuchType,
    },
    #[cfg(any())]
    Absent { never: NoSuchType },
    #[cfg(all())]
    Closed,
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account {
    #[cfg(any())]
    absent: NoSuchType,
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> AccountEvent {
        AccountEvent::Deposited { cents: cmd.cents }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
            #[cfg(any())]
            AccountEvent::Absent { .. } => {}
            AccountEvent::Closed => self.cents = 0,
        }
    }
}

#[cfg(any())]
#[derive(Command)]
enum NotEvenACommand {}

fn main() {
    let names: Vec<_> = AccountEvent::TYPES.iter().map(|one| one.name).collect();
    assert_eq!(names, ["bank.deposited", "bank.closed"]);
    let bad = Deposit { account: String::new(), cents: 0, note: String::new() };
    assert_eq!(bad.validate().unwrap_err().iter().count(), 2);
}
