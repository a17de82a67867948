//! The account: what is posted to it, and what it makes of that.

use cqrs_core::OperationId;
use cqrs_core::aggregate::Returning;
use cqrs_core::prelude::*;

use super::day::Day;
use super::money::Cents;

/// The number of an account.
#[derive(Id)]
pub struct AccountId(String);

/// Which way the money goes.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To the account.
    Credit,
    /// From the account.
    Debit,
}

/// What a ledger says about one movement of money.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, unique among all accounts.
    pub transaction: String,
    /// The day to which the bank has put it.
    pub date: Day,
    /// How the money moved, such as `cash_deposit`.
    pub operation: String,
    /// What it was for, such as `pension`.
    pub purpose: String,
    /// How much, not negative.
    pub amount: Cents,
    /// The balance behind it, as the bank states it.
    pub stated: Cents,
}

/// Posts an entry. The first one opens the account.
#[derive(Command, Clone, Debug)]
pub struct Post {
    /// To which account.
    pub account: AccountId,
    /// Which way.
    pub kind: Kind,
    /// What.
    pub entry: Entry,
}

impl Post {
    /// The operation, made from the transaction's number alone.
    ///
    /// So it is the store that knows which transactions have been posted, in
    /// the unit of work that posts them, and not the account: the same row
    /// again is answered as it was the first time, another row with the same
    /// number is an error, whatever account it names, and no account carries
    /// a list of its transactions. A hash of 128 bits in a UUID of version 8;
    /// should two numbers ever meet in it, their content differs, and the
    /// second is refused.
    #[must_use]
    pub fn operation(&self) -> OperationId {
        OperationId::derived("transaction", &self.entry.transaction)
    }
}

/// The account's answer to an entry.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Posted {
    /// It is booked.
    Booked {
        /// The balance behind it.
        balance: Cents,
    },
    /// It is not: no balance could be held behind it.
    OutOfRange,
}

/// What has happened to an account.
#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    /// Money came in.
    Credited {
        /// As the ledger says.
        entry: Entry,
    },
    /// Money went out.
    Debited {
        /// As the ledger says.
        entry: Entry,
    },
}

impl AccountEvent {
    /// What the ledger says.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        match self {
            Self::Credited { entry } | Self::Debited { entry } => entry,
        }
    }

    /// Which way the money went.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Credited { .. } => Kind::Credit,
            Self::Debited { .. } => Kind::Debit,
        }
    }

    /// What it adds to the balance.
    #[must_use]
    pub fn change(&self) -> Cents {
        match self {
            Self::Credited { entry } => entry.amount,
            Self::Debited { entry } => entry.amount.negated(),
        }
    }
}

/// An account. It rejects nothing that it can hold: what a ledger says has
/// happened, overdrafts included.
#[derive(Aggregate, Default, Debug)]
#[aggregate(id = AccountId, event = AccountEvent, error = std::convert::Infallible)]
pub struct Account {
    balance: Cents,
}

#[command_handlers]
impl Account {
    /// Refuses what would take the balance out of the range of [`Cents`].
    ///
    /// That refusal is an answer and no rejection, because a rejection is not
    /// recorded with its operation: the same row would be decided again at
    /// the next import of its file, on the balance of that day, and might
    /// then be posted.
    fn post(&self, cmd: &Post) -> Returning<Option<AccountEvent>, Posted> {
        let entry = cmd.entry.clone();
        let event = match cmd.kind {
            Kind::Credit => AccountEvent::Credited { entry },
            Kind::Debit => AccountEvent::Debited { entry },
        };
        match self.balance.checked_add(event.change()) {
            Some(balance) => returning(Some(event), Posted::Booked { balance }),
            None => returning(None, Posted::OutOfRange),
        }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Credited { .. } | AccountEvent::Debited { .. } => {
                self.balance = self.balance.saturating_add(event.change());
            }
        }
    }
}
