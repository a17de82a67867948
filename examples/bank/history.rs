//! What has happened on one account.

use cqrs_core::prelude::*;
use serde::Serialize;

use super::account::{AccountId, Entry, Kind};
use super::day::Day;
use super::journal::Journal;
use super::money::Cents;

/// Asks for all movements of an account, in the order of the ledger.
#[derive(Query)]
#[query(output = Vec<HistoryLine>)]
pub struct HistoryOf {
    /// Which account.
    pub account: AccountId,
    /// Up to the end of which day; all if none is given.
    pub as_of: Option<Day>,
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// Which way.
    pub kind: Kind,
    /// What.
    pub entry: Entry,
    /// The balance behind it.
    pub balance: Cents,
}

#[query_handler]
async fn history_of(
    query: &HistoryOf,
    journal: Dep<Journal>,
) -> Result<Vec<HistoryLine>, QueryError> {
    let (mut lines, mut balance) = (Vec::new(), Cents::ZERO);
    let entries = journal.of_account(&query.account, |event| {
        if query.as_of.is_none_or(|day| event.entry().date <= day) {
            balance = balance.saturating_add(event.change());
            lines.push(HistoryLine { kind: event.kind(), entry: event.entry().clone(), balance });
        }
    });
    entries.await?;
    Ok(lines)
}
