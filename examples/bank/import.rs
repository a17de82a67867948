//! Sends a command for each row of a ledger, many at a time.
//!
//! The rows of one account go one after the other, in the order of the file:
//! the next is sent when the one before has its answer. Rows of different
//! accounts go together, so that the store can commit many of them at once.
//! Two rows with the same transaction number are never under way together,
//! so that it is always the first in the file that counts.
//!
//! Nothing of this is written down. After a crash the same import starts from
//! the first row again, each row that was posted before is answered from the
//! record of its operation, and the rest follows in the same order as if
//! nothing had happened.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::aggregate::LoadError;
use cqrs_core::prelude::*;
use cqrs_core::store::{CommitError, EventStore};
use tokio::task::JoinSet;

use super::account::{AccountId, Post};
use super::ledger::{Ledger, LedgerError};
use super::report::{Report, Totals};
use super::row::{Row, RowError};

/// Rows that are held at once, under way or waiting for their account.
const WINDOW: usize = 256;

/// How often a call is repeated that may succeed the next time, and how long
/// to wait before the first repetition; doubled each time.
const REPEATS: (u32, Duration) = (4, Duration::from_millis(50));

/// How long the read model may take to follow.
const FOLLOW: Duration = Duration::from_secs(600);

/// Rows between two reports of progress.
const STEP: u64 = 256;

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

/// Imports a ledger.
///
/// # Errors
///
/// [`ImportError`] when it had to stop.
///
/// # Cancel safety
///
/// Dropping the future stops after the rows that are under way; the same
/// import again goes on from there.
pub async fn import(
    app: &App,
    mut ledger: Ledger,
    observer: &mut dyn Observer,
) -> Result<Imported, ImportError> {
    let clock = &app.services().clock;
    let (start, before) = (clock.monotonic(), head(app).await?);
    let mut run = Run::new(app, ledger.file().to_owned(), observer);
    while let Some(row) = ledger.next_row()? {
        match row {
            Ok(row) => run.admit(row).await?,
            Err(error) => run.reject(Refusal::Row(error)),
        }
        run.count(ledger.progress());
    }
    while !run.operations.is_empty() {
        run.finish_one().await?;
    }
    let Run { rows, accepted, rejected, .. } = run;
    let elapsed = clock.monotonic().saturating_sub(start);
    let new_events = head(app).await? - before;
    let totals = present(app).await?;
    Ok(Imported { rows, accepted, rejected, new_events, elapsed, totals })
}

async fn head(app: &App) -> Result<u64, ImportError> {
    let info = app.store().info().await;
    info.map(|info| info.head.get()).map_err(|error| ImportError::Totals(error.into()))
}

async fn present(app: &App) -> Result<Totals, ImportError> {
    app.catch_up(FOLLOW).await.map_err(|error| ImportError::Totals(error.into()))?;
    let totals = app.query(Report { as_of: None }).await;
    totals.map_err(|error| ImportError::Totals(error.into()))
}

/// An import under way.
struct Run<'a> {
    app: &'a App,
    file: String,
    observer: &'a mut dyn Observer,
    /// One task for each account that has rows in the window.
    tasks: JoinSet<(Row, Answer)>,
    /// The rows that wait behind an account's task.
    waiting: HashMap<AccountId, VecDeque<Row>>,
    /// The operations of all rows in the window.
    operations: HashSet<OperationId>,
    rows: u64,
    accepted: u64,
    rejected: BTreeMap<&'static str, u64>,
}

impl<'a> Run<'a> {
    fn new(app: &'a App, file: String, observer: &'a mut dyn Observer) -> Self {
        Self {
            app,
            file,
            observer,
            tasks: JoinSet::new(),
            waiting: HashMap::new(),
            operations: HashSet::new(),
            rows: 0,
            accepted: 0,
            rejected: BTreeMap::new(),
        }
    }

    /// Takes a row into the window, once there is room.
    async fn admit(&mut self, row: Row) -> Result<(), ImportError> {
        let operation = row.post.operation();
        while self.operations.len() >= WINDOW || self.operations.contains(&operation) {
            self.finish_one().await?;
        }
        self.operations.insert(operation);
        match self.waiting.entry(row.post.account.clone()) {
            Slot::Occupied(mut rows) => rows.get_mut().push_back(row),
            Slot::Vacant(none) => {
                none.insert(VecDeque::new());
                self.start(row);
            }
        }
        Ok(())
    }

    fn start(&mut self, row: Row) {
        let app = self.app.clone();
        self.tasks.spawn(async move {
            let answer = post(&app, &row.post).await;
            (row, answer)
        });
    }

    /// Waits for one answer, and sends the account's next row.
    async fn finish_one(&mut self) -> Result<(), ImportError> {
        let Some(ended) = self.tasks.join_next().await else { return Ok(()) };
        let (row, answer) = ended.expect("the bus catches the panics of handlers");
        match answer {
            Ok(()) => self.accepted += 1,
            Err(Failure::Refused { field, code, reason }) => {
                self.reject(Refusal::Command { line: row.line, field, code, reason });
            }
            Err(Failure::Stopped(source)) => {
                let (file, line) = (self.file.clone(), row.line);
                return Err(ImportError::Bank { file, line, source });
            }
        }
        self.operations.remove(&row.post.operation());
        let next = self.waiting.get_mut(&row.post.account).and_then(VecDeque::pop_front);
        match next {
            Some(next) => self.start(next),
            None => drop(self.waiting.remove(&row.post.account)),
        }
        Ok(())
    }

    fn reject(&mut self, refusal: Refusal) {
        *self.rejected.entry(refusal.code()).or_default() += 1;
        self.observer.rejected(&self.file, &refusal);
    }

    fn count(&mut self, bytes: (u64, Option<u64>)) {
        self.rows += 1;
        if self.rows.is_multiple_of(STEP) {
            self.observer.progress(self.rows, bytes);
        }
    }
}

type Answer = Result<(), Failure>;

enum Failure {
    /// The row is to blame.
    Refused { field: &'static str, code: &'static str, reason: String },
    /// The row is not to blame.
    Stopped(Box<dyn std::error::Error + Send + Sync>),
}

/// Posts an entry. Repeating it is safe whatever has become of the first
/// call, since the operation runs once.
async fn post(app: &App, post: &Post) -> Answer {
    let (mut repeats, mut pause) = REPEATS;
    loop {
        match app.execute(post.clone()).operation(post.operation()).await {
            Ok(done) if done.value.is_some() => return Ok(()),
            Ok(_) => return Err(too_large(post)),
            Err(error) if error.is_retryable() && repeats > 0 => {
                app.services().clock.sleep(pause).await;
                (repeats, pause) = (repeats - 1, pause * 2);
            }
            Err(CommandError::Bus(error)) => return Err(blame(app, post, error).await),
            Err(error) => return Err(Failure::Stopped(error.into())),
        }
    }
}

fn too_large(post: &Post) -> Failure {
    let reason = format!("`{}` takes account {} out of range", post.entry.amount, post.account);
    Failure::Refused { field: "amount", code: "balance_overflow", reason }
}

/// Whether the row is to blame for an error, and which part of it.
async fn blame(app: &App, post: &Post, error: BusError) -> Failure {
    let reason = error.to_string();
    match error {
        BusError::OperationReused { operation } => {
            let reason = format!("`{}` {}", post.entry.transaction, other(app, operation).await);
            Failure::Refused { field: "transaction_id", code: "transaction_reused", reason }
        }
        BusError::Load(LoadError::Stream(_)) => {
            Failure::Refused { field: "account_id", code: "invalid_identifier", reason }
        }
        BusError::Commit(CommitError::Invalid(_)) => {
            Failure::Refused { field: "purpose", code: "row_too_large", reason }
        }
        error => Failure::Stopped(error.into()),
    }
}

/// What the operation was used for before.
async fn other(app: &App, operation: OperationId) -> String {
    let recorded = app.store().resolve(operation).await.ok().flatten();
    let stream = recorded.as_ref().and_then(|commit| commit.streams().first());
    match stream {
        Some((stream, version)) => {
            format!("is already entry {version} of account {}, with other content", stream.key())
        }
        None => "was already used for another entry".to_owned(),
    }
}
