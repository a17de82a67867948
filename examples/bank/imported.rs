//! What an import tells, while it runs and at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::LedgerError;
use super::report::Totals;
use super::row::RowError;

/// Follows an import while it runs.
pub trait Observer {
    /// So many rows, and so many bytes of the file, have been read.
    fn progress(&mut self, rows: u64, bytes: (u64, Option<u64>));
    /// A row was rejected.
    fn rejected(&mut self, file: &str, rejection: &Refusal);
}

/// A row that was not posted, and why.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The row is not well-formed.
    Row(RowError),
    /// The bank does not take it.
    Command {
        /// The line.
        line: u64,
        /// The column that is to blame.
        field: &'static str,
        /// A name for the reason.
        code: &'static str,
        /// The reason.
        reason: String,
    },
}

impl Refusal {
    /// A name for the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Row(error) => error.problem.code(),
            Self::Command { code, .. } => code,
        }
    }
}

/// What an import has done.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Rows of the file.
    pub rows: u64,
    /// Rows that are posted now, by this import or by one before.
    pub accepted: u64,
    /// Rows that are not, by the name of the reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Events that this import has stored.
    pub new_events: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The bank after it.
    pub totals: Totals,
}

/// Whether an import was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every row is posted.
    Complete,
    /// Some were rejected.
    WithRejections,
}

/// An import had to stop. What was acknowledged before is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The ledger cannot be read on.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The bank cannot go on.
    #[error("{file}:{line}: {source}; rows answered before are kept, import the file again")]
    Bank {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The totals cannot be told.
    #[error("every row was answered, but the read model cannot be asked: {0}")]
    Totals(Box<dyn std::error::Error + Send + Sync>),
}

impl Imported {
    /// Rows that were not posted.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Whether it was complete.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.rejected.is_empty() { Ending::Complete } else { Ending::WithRejections }
    }
}
