#![no_implicit_prelude]
#![deny(warnings)]

use ::cqrs_core::aggregate::{Apply, SnapshotPolicy};
use ::cqrs_core::event::Recorded;
use ::cqrs_core::projection::{Project, ProjectionError, Rows, View};
use ::cqrs_core::{
    Aggregate, Command, CommandError, Event, Id, Projection, Query, QueryError, Rejection, apply,
    command_handler, command_handlers, handlers, query_handler,
};
use ::std::default::Default;
use ::std::prelude::v1::{Err, Ok};
use ::std::result::Result;
use ::std::string::String;

#[derive(Id)]
struct AccountId(String);

#[derive(Id)]
struct Number(u64);

#[derive(Command)]
struct Deposit {
    account: AccountId,
    #[check(min = 1, max = 100)]
    cents: i64,
    #[check(required, length(min = 1))]
    note: String,
}

#[derive(Command)]
#[command(error = AccountError)]
struct Open {
    #[id]
    account: AccountId,
}

#[derive(Command)]
struct Close {
    account: AccountId,
}

#[derive(Event)]
struct Noted {
    #[event(tag)]
    note: String,
}

#[derive(Event)]
enum AccountEvent {
    Deposited {
        #[event(tag)]
        cents: i64,
    },
    Noted(Noted),
    Closed,
}

#[derive(Rejection, ::std::fmt::Debug)]
enum AccountError {
    /// Not {0}.
    Not(i64),
}

#[derive(Aggregate, Default)]
#[aggregate(
    id = AccountId,
    event = AccountEvent,
    error = AccountError,
    snapshot = SnapshotPolicy::every(2),
    state_stored
)]
struct Account {
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ::cqrs_core::ensure!(cmd.cents > self.cents, AccountError::Not(cmd.cents));
        Ok(AccountEvent::Deposited { cents: cmd.cents })
    }

    fn close(&self, _: &Close) -> AccountEvent {
        AccountEvent::Closed
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Noted(noted) => self.cents += 1 - noted.note.len() as i64,
            AccountEvent::Closed => {}
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = Number, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        _: &Recorded<AccountEvent>,
        _: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    number: Number,
}

#[query_handler]
async fn balance(query: &GetBalance, view: View<Balances>) -> Result<i64, QueryError> {
    match view.get(&query.number).await? {
        ::std::option::Option::Some(cents) => Ok(cents),
        ::std::option::Option::None => Ok(0),
    }
}

#[command_handler(contract)]
async fn open(command: &Open) -> Result<(), CommandError<AccountError>> {
    let _ = &command.account;
    Err(CommandError::Rejected(AccountError::Not(1)))
}

#[derive(Query)]
#[query(output = i64)]
struct Count;

struct Service;

#[handlers]
impl Service {
    #[query_handler]
    async fn count(&self, _: &Count) -> Result<i64, QueryError> {
        Ok(1)
    }
}

::cqrs_core::module!();

fn main() {
    let _ = ::cqrs_core::modules![crate];
}
