//! The balances of the present: a read model, and the query for one account.

use cqrs_core::prelude::*;
use serde::{Deserialize, Serialize};

use super::account::{AccountEvent, AccountId};
use super::day::Day;
use super::journal::Journal;
use super::money::Cents;

/// One row an account.
#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = AccountId, row = Balance)]
pub struct Balances;

/// An account in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The sum of its movements.
    pub cents: Cents,
    /// How many movements.
    pub entries: u64,
    /// After how many of them the bank states another balance.
    pub drifted: u64,
}

impl Balance {
    /// Takes in the next event of the account.
    fn take(&mut self, event: &AccountEvent) {
        self.cents = self.cents.saturating_add(event.change());
        self.entries += 1;
        self.drifted += u64::from(self.cents != event.entry().stated);
    }
}

/// An account in numbers as of a day, from the log.
///
/// Entries need not stand in the order of their days: an entry of a later day
/// counts for the balance that the bank states behind the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BalanceAsOf {
    balance: Balance,
    running: Cents,
}

impl BalanceAsOf {
    /// Takes in the next event of the account.
    pub(super) fn take(&mut self, event: &AccountEvent, day: Day) {
        let entry = event.entry();
        self.running = self.running.saturating_add(event.change());
        if entry.date <= day {
            self.balance.cents = self.balance.cents.saturating_add(event.change());
            self.balance.entries += 1;
            self.balance.drifted += u64::from(self.running != entry.stated);
        }
    }

    /// The numbers, `None` when the account had no entry yet.
    pub(super) fn known(self) -> Option<Balance> {
        (self.balance.entries > 0).then_some(self.balance)
    }
}

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let account = event.aggregate_id::<AccountId>()?;
        rows.update(account, |balance| balance.take(event.data())).await
    }
}

/// Asks for the balance of an account; `None` when there is no such account.
#[derive(Query)]
#[query(output = Option<Balance>)]
pub struct BalanceOf {
    /// Which account.
    pub account: AccountId,
    /// At the end of which day; the present if none is given.
    pub as_of: Option<Day>,
}

#[query_handler]
async fn balance_of(
    query: &BalanceOf,
    balances: View<Balances>,
    journal: Dep<Journal>,
) -> Result<Option<Balance>, QueryError> {
    let Some(day) = query.as_of else { return Ok(balances.get(&query.account).await?) };
    let mut balance = BalanceAsOf::default();
    journal.of_account(&query.account, |event| balance.take(event, day)).await?;
    Ok(balance.known())
}
