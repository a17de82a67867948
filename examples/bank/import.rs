//! Sends a command for each row of a ledger, many at a time.
//!
//! The rows of one account go one after the other, in the order of the file:
//! the next is sent when the one before has its answer. The bus serves the
//! commands of one stream first come, first served; but a command with an
//! operation id asks the store for that id before it queues up, so that two
//! of them could change places. Rows of different accounts go together, so
//! that the store can commit many of them at once. Two rows with the same
//! transaction number are never under way together, so that it is always the
//! first in the file that counts.
//!
//! Nothing of this is written down. After a crash the same import starts from
//! the first row again, each row that was posted before is answered from the
//! record of its operation, and the rest follows in the same order as if
//! nothing had happened.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::prelude::*;
use tokio::task::JoinSet;

use super::account::AccountId;
use super::imported::{ImportError, Imported, Observer, Refusal};
use super::ledger::Ledger;
use super::posting::{Answer, Booked, Failure, post};
use super::report::{Report, Totals};
use super::row::Row;

/// Rows that are held at once, under way or waiting for their account, and
/// how few are left before more are read: rows that start together commit
/// together.
const WINDOW: (usize, usize) = (256, 128);

/// How long the read model may take to follow.
const FOLLOW: Duration = Duration::from_secs(600);

/// Rows between two reports of progress.
const STEP: u64 = 256;

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
    let start = clock.monotonic();
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
    let Run { rows, accepted, new_events, rejected, .. } = run;
    let elapsed = clock.monotonic().saturating_sub(start);
    let totals = present(app).await?;
    Ok(Imported { rows, accepted, rejected, new_events, elapsed, totals })
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
    new_events: u64,
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
            new_events: 0,
            rejected: BTreeMap::new(),
        }
    }

    /// Takes a row into the window, once there is room.
    async fn admit(&mut self, row: Row) -> Result<(), ImportError> {
        let operation = row.post.operation();
        if self.operations.len() >= WINDOW.0 {
            while self.operations.len() > WINDOW.1 {
                self.finish_one().await?;
            }
        }
        while self.operations.contains(&operation) {
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
            Ok(booked) => {
                self.accepted += 1;
                self.new_events += u64::from(booked == Booked::Now);
            }
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
