//! All accounts together.

use std::collections::HashMap;
use std::ops::Bound;

use cqrs_core::prelude::*;
use cqrs_core::store::Direction;
use serde::Serialize;

use super::account::AccountId;
use super::balances::{Balance, BalanceAsOf, Balances};
use super::day::Day;
use super::journal::Journal;
use super::money::Sum;

/// Rows of the read model that are held at once.
const PAGE: usize = 1_000;

/// Asks for the totals of all accounts.
#[derive(Query)]
#[query(output = Totals)]
pub struct Report {
    /// At the end of which day; the present if none is given.
    pub as_of: Option<Day>,
}

/// The totals of all accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Accounts.
    pub accounts: u64,
    /// Events of all accounts.
    pub events: u64,
    /// The sum of their balances.
    pub sum: Sum,
    /// Entries after which the bank states another balance than ours.
    pub drifted: u64,
}

impl Totals {
    fn add(&mut self, account: &Balance) {
        self.accounts += 1;
        self.events += account.entries;
        self.sum += account.cents;
        self.drifted += account.drifted;
    }
}

#[query_handler]
async fn report(
    query: &Report,
    balances: View<Balances>,
    journal: Dep<Journal>,
) -> Result<Totals, QueryError> {
    match query.as_of {
        None => of_present(&balances).await,
        Some(day) => of_day(&journal, day).await,
    }
}

async fn of_present(balances: &View<Balances>) -> Result<Totals, QueryError> {
    let mut totals = Totals::default();
    let mut from = Bound::Unbounded;
    loop {
        let page = balances.range((from, Bound::Unbounded), Direction::Forward, PAGE).await?;
        page.iter().for_each(|(_, account)| totals.add(account));
        match page.into_iter().nth(PAGE - 1) {
            Some((last, _)) => from = Bound::Excluded(last),
            None => return Ok(totals),
        }
    }
}

async fn of_day(journal: &Journal, day: Day) -> Result<Totals, QueryError> {
    let mut accounts: HashMap<AccountId, BalanceAsOf> = HashMap::new();
    journal.of_all(|account, event| accounts.entry(account).or_default().take(event, day)).await?;
    let mut totals = Totals::default();
    accounts.into_values().filter_map(BalanceAsOf::known).for_each(|account| totals.add(&account));
    Ok(totals)
}
