#![deny(warnings)]
#![allow(dead_code, unused_macros, unused_imports)]

use cqrs_core::prelude::*;

macro_rules! shadow {
    ($($name:ident),*) => {$(
        pub struct $name;
    )*};
}

mod shadows {
    shadow!(
        Option, Some, None, Ok, Err, Box, Vec, String, Send, Sync, Copy, Clone, Into, From,
        Iterator
    );
    shadow!(
        Default, Debug, Display, Eq, PartialEq, Ord, Hash, Hasher, FromStr, TypeId, Json, Codec
    );
    shadow!(Serialize, Deserialize, Serializer, Deserializer, Registration, Wiring, Self_);
    pub mod core {}
    pub mod std {}
    pub mod serde {}
    pub mod inventory {}
    pub type Result<T, E> = ::core::result::Result<T, E>;
}

use shadows::*;

type Text = ::std::string::String;

macro_rules! compile_error {
    ($($any:tt)*) => {};
}
macro_rules! line {
    () => {
        "not a number"
    };
}
macro_rules! unreachable {
    () => {
        "not a type"
    };
}

#[derive(Id)]
struct AccountId(u64);

#[derive(Command)]
struct Deposit {
    account: AccountId,
    #[check(min = 1)]
    cents: i64,
    #[check(required)]
    note: Text,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Rejection, ::core::fmt::Debug)]
enum AccountError {
    /// Overdrawn by {by}.
    Overdrawn { by: i64 },
}

#[derive(Aggregate, ::core::default::Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError, snapshot = SnapshotPolicy::every(2))]
struct Account {
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(cmd.cents > 0, AccountError::Overdrawn { by: cmd.cents });
        Result::Ok(AccountEvent::Deposited { cents: cmd.cents })
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: AccountId,
}

#[query_handler]
async fn balance(query: &GetBalance, accounts: Repository<Account>) -> Result<i64, QueryError> {
    let _ = (&query.account, &accounts);
    Result::Ok(1)
}

// Names that the expansions use for themselves.
#[derive(Command)]
struct Names {
    found: Text,
    #[check(min = 1)]
    value: i64,
    f: u8,
    serializer: u8,
    event: bool,
}

#[derive(Event)]
enum NamesEvent {
    Written { event: i64, out: bool, name: Text, inner: u8 },
}

#[query_handler]
async fn wiring(message: &Service, ctx: &Context, service: Dep<u8>) -> Result<i64, QueryError> {
    let _ = (message, ctx, service);
    Result::Ok(1)
}

#[derive(Query)]
#[query(output = i64)]
struct Service;

#[derive(Query)]
#[query(output = i64)]
struct Install;

#[query_handler]
async fn install(_: &Install) -> Result<i64, QueryError> {
    Result::Ok(1)
}

module!();

fn main() {}
