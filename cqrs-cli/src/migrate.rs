//! Migrations.

use crate::command::{Down, Log, Outcome, Script, Status, Up};
use crate::error::CliError;
use crate::place::Place;
use crate::report::{Report, Step};

/// The migrations of either store.
enum Migrator {
    Sqlite(cqrs_sqlite::Migrator),
    Postgres(Box<cqrs_postgres::Migrator>),
}

macro_rules! either {
    ($self:ident, $migrator:ident => $call:expr) => {
        match $self {
            Self::Sqlite($migrator) => Ok($call.await?),
            Self::Postgres($migrator) => Ok($call.await?),
        }
    };
}

impl Migrator {
    async fn of(log: &Log) -> Result<Self, CliError> {
        Ok(match &log.store {
            Place::Sqlite(path) => Self::Sqlite(cqrs_sqlite::Migrator::connect(path).await?),
            Place::Postgres(url) => {
                let migrator = cqrs_postgres::Migrator::connect(url, &log.schema).await?;
                Self::Postgres(Box::new(migrator))
            }
        })
    }

    async fn current(&self) -> Result<u32, CliError> {
        either!(self, migrator => migrator.current())
    }

    async fn events(&self) -> Result<u64, CliError> {
        either!(self, migrator => migrator.events())
    }

    async fn up_to(&self, to: u32) -> Result<(), CliError> {
        either!(self, migrator => migrator.up_to(to))
    }

    async fn down(&self, to: u32, delete_events: bool) -> Result<(), CliError> {
        either!(self, migrator => migrator.down(to, delete_events))
    }
}

pub(crate) async fn up(up: &Up) -> Outcome {
    let migrator = Migrator::of(&up.log).await?;
    let from = migrator.current().await?;
    let all = steps(&up.log.store);
    migrator.up_to(up.to.unwrap_or(all.len() as u32)).await?;
    let to = migrator.current().await?;
    let steps = all.into_iter().filter(|step| step.number > from && step.number <= to);
    Ok(Report::Up { store: up.log.store.to_string(), from, to, steps: steps.collect() })
}

pub(crate) async fn down(down: &Down) -> Outcome {
    let migrator = Migrator::of(&down.log).await?;
    let from = migrator.current().await?;
    let to = down.to.unwrap_or(from.saturating_sub(1));
    let deleted = if to == 0 { migrator.events().await? } else { 0 };
    let going = |step: &Step| step.number > to && step.number <= from;
    let mut steps: Vec<_> = steps(&down.log.store).into_iter().filter(going).collect();
    steps.reverse();
    // What is refused with `--yes` is refused without, too, and what changes
    // nothing needs no leave.
    let is_refused = deleted > 0 && !down.delete_events;
    let done = down.yes || is_refused || steps.is_empty();
    if done {
        migrator.down(to, down.delete_events).await?;
    }
    let (store, to) = (down.log.store.to_string(), to.min(from));
    Ok(Report::Down { store, from, to, steps, deleted, done })
}

pub(crate) async fn status(status: &Status) -> Outcome {
    let migrator = Migrator::of(&status.log).await?;
    let (current, events) = (migrator.current().await?, migrator.events().await?);
    let (mut run, mut missing) = (steps(&status.log.store), Vec::new());
    missing.extend(run.extract_if(.., |step| step.number > current));
    Ok(Report::Status { store: status.log.store.to_string(), current, events, run, missing })
}

pub(crate) fn script(script: &Script) -> Outcome {
    let statements = match script.log.store {
        Place::Sqlite(_) => cqrs_sqlite::script(),
        Place::Postgres(_) => cqrs_postgres::script(&script.log.schema)?,
    };
    Ok(Report::Script { statements })
}

/// How many events a log holds, 0 if there is none.
pub(crate) async fn events(log: &Log) -> Result<u64, CliError> {
    Migrator::of(log).await?.events().await
}

fn steps(store: &Place) -> Vec<Step> {
    let step = |(number, name)| Step { number, name };
    match store {
        Place::Sqlite(_) => {
            cqrs_sqlite::MIGRATIONS.iter().map(|one| step((one.number, one.name))).collect()
        }
        Place::Postgres(_) => {
            cqrs_postgres::MIGRATIONS.iter().map(|one| step((one.number, one.name))).collect()
        }
    }
}
