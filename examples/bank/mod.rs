//! A bank that lives on the ledger of another one.
//!
//! `import` reads a ledger and sends a command for each of its rows; the
//! account that the row names decides it, and what it decides is stored as an
//! event. `balance` and `report` ask a projection of those events, `history`
//! and everything `--as-of` a date ask the events themselves.
//!
//! The modules stand in the order in which a row travels: from the text of
//! the file to values, to the aggregate, to the read models, to the screen.

pub mod cli;
mod exit;
mod output;
mod progress;

mod day;
mod ledger;
mod money;
mod row;

mod account;
mod import;
mod imported;
mod posting;

mod balances;
mod history;
mod journal;
mod report;

mod app;

pub use account::{Account, AccountEvent, AccountId, Entry, Kind, Post, Posted};
pub use app::{Create, OpenError, StoreChoice, build, open};
pub use balances::{Balance, BalanceOf, Balances};
pub use day::{Day, DayError};
pub use exit::Exit;
pub use history::{HistoryLine, HistoryOf};
pub use import::import;
pub use imported::{Ending, ImportError, Imported, Observer, Refusal};
pub use journal::Journal;
pub use ledger::{Ledger, LedgerError};
pub use money::{Cents, MoneyError, Sum};
pub use report::{Report, Totals};
pub use row::{Problem, Row, RowError};

cqrs_core::module!();
