//! The tables of a log: made, raised, lowered, printed and looked at.

use std::collections::BTreeMap;
use std::path::Path;

use cqrs_core::message::{IdGenerator, RandomIds, Timestamp};
use cqrs_core::store::LogId;
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::OpenError;
use crate::fault::{Fault, Outcome};
use crate::sql;

/// One step of the schema of a log, with the statements to go there and back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Migration {
    /// Its number, counted from 1; the file says it as its format.
    pub number: u32,
    /// What it is about.
    pub name: &'static str,
    /// The statements that make it.
    pub up: &'static str,
    /// The statements that take it back.
    pub down: &'static str,
}

/// Every migration that this release knows, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "log",
        up: include_str!("migrations/0001_log.up.sql"),
        down: include_str!("migrations/0001_log.down.sql"),
    },
    Migration {
        number: 2,
        name: "leases",
        up: include_str!("migrations/0002_leases.up.sql"),
        down: include_str!("migrations/0002_leases.down.sql"),
    },
];

/// What the migrations have made, as SQLite keeps it. It keeps the text of each
/// statement, so that two equal schemas read alike.
const SHAPE: &str =
    "SELECT type || ' `' || name || '`', sql FROM sqlite_schema WHERE sql IS NOT NULL";

/// The statements that make the tables of a log from nothing, for tools that
/// run migrations themselves.
#[must_use]
pub fn script() -> String {
    let mut out = "BEGIN IMMEDIATE;\n".to_owned();
    for migration in MIGRATIONS {
        out.push_str(&format!("\n-- migration {}: {}\n", migration.number, migration.name));
        out.push_str(migration.up);
        out.push_str(&match migration.number {
            1 => begun("randomblob(16)"),
            number => recorded(number),
        });
    }
    out.push_str("\nCOMMIT;\n");
    out
}

/// The statements that begin a log, with the newest migration 1.
fn begun(id: &str) -> String {
    format!(
        "INSERT INTO log (format, incarnation) VALUES (1, {id});\n\
         INSERT INTO indexed (through) VALUES (0);\n"
    )
}

/// The statement that writes down which migration is the newest.
fn recorded(number: u32) -> String {
    format!("UPDATE log SET format = {number};\n")
}

/// What the file is like.
pub(crate) struct Found {
    /// The newest migration, 0 for none.
    pub(crate) number: u32,
}

pub(crate) struct Migrations<'m> {
    pub(crate) connection: &'m Connection,
    pub(crate) path: &'m Path,
}

impl Migrations<'_> {
    fn failed(&self, fault: &Fault) -> OpenError {
        OpenError::new(self.path, fault)
    }

    /// The newest migration that was run, checked against what is there.
    pub(crate) fn look(&self) -> Result<Found, OpenError> {
        let known = MIGRATIONS.len() as u32;
        let found = self.newest().map_err(|fault| self.failed(&fault))?;
        let path = self.path.to_owned();
        if let Some(table) = found.foreign {
            return Err(OpenError::Foreign { path, table });
        }
        if found.number > known {
            return Err(OpenError::NewerSchema { path, found: found.number, known });
        }
        if let Some(what) = found.altered {
            return Err(OpenError::Altered { path, what });
        }
        Ok(Found { number: found.number })
    }

    /// On one state of the file.
    fn newest(&self) -> Outcome<Newest> {
        if !self.connection.is_autocommit() {
            return self.newest_within();
        }
        self.connection.execute_batch("BEGIN")?;
        let found = self.newest_within();
        let ended = self.connection.execute_batch("ROLLBACK");
        let found = found?;
        ended?;
        Ok(found)
    }

    fn newest_within(&self) -> Outcome<Newest> {
        let number = self.connection.query_row("SELECT format FROM log", [], |row| row.get(0));
        match number.map_err(Fault::from) {
            Ok(number) if number > MIGRATIONS.len() as u32 => {
                Ok(Newest { number, ..Newest::default() })
            }
            Ok(number) => {
                let altered = self.altered(number)?;
                Ok(Newest { number, altered, foreign: None })
            }
            // It has been waited for; the next statement would wait once more.
            Err(fault) if fault.is_busy() => Err(fault),
            Err(_) => {
                let foreign = self
                    .connection
                    .query_row("SELECT name FROM sqlite_schema LIMIT 1", [], |row| row.get(0))
                    .optional()?;
                Ok(Newest { foreign, ..Newest::default() })
            }
        }
    }

    /// What is not as the migrations up to a number make it. Further tables,
    /// indexes and views do not count.
    fn altered(&self, number: u32) -> Outcome<Option<String>> {
        let found = shape(self.connection)?;
        let made = Connection::open_in_memory()?;
        for migration in MIGRATIONS.iter().filter(|one| one.number <= number) {
            made.execute_batch(migration.up)?;
        }
        let differs = |(name, text): &(String, String)| found.get(name) != Some(text);
        Ok(shape(&made)?.into_iter().find(differs).map(|(name, _)| name))
    }

    /// Runs what is missing, up to a number, as one transaction; of several
    /// processes one at a time.
    pub(crate) fn up(&self, to: u32) -> Result<(), OpenError> {
        known(to)?;
        if self.look()?.number >= to {
            return Ok(());
        }
        self.transaction(|| {
            let Found { number } = self.look()?;
            let missing = MIGRATIONS.iter().filter(|one| one.number > number && one.number <= to);
            for migration in missing {
                self.run_up(migration).map_err(|fault| self.failed(&fault))?;
            }
            Ok(())
        })
    }

    fn run_up(&self, migration: &Migration) -> Outcome<()> {
        self.connection.execute_batch(migration.up)?;
        self.connection.execute_batch(&match migration.number {
            1 => begun(&format!("x'{}'", RandomIds::new().next(Timestamp::EPOCH).simple())),
            number => recorded(number),
        })?;
        Ok(())
    }

    /// Takes back every migration above a number, as one transaction.
    pub(crate) fn down(&self, to: u32, delete_events: bool) -> Result<(), OpenError> {
        known(to)?;
        self.transaction(|| {
            let Found { number } = self.look()?;
            if number >= 1 && to == 0 && !delete_events {
                let events = self.held()?;
                if events > 0 {
                    return Err(OpenError::WouldDelete { path: self.path.to_owned(), events });
                }
            }
            let above = MIGRATIONS.iter().filter(|one| one.number > to && one.number <= number);
            for migration in above.rev() {
                self.run_down(migration).map_err(|fault| self.failed(&fault))?;
            }
            Ok(())
        })
    }

    fn run_down(&self, migration: &Migration) -> Outcome<()> {
        self.connection.execute_batch(migration.down)?;
        if migration.number > 1 {
            self.connection.execute_batch(&recorded(migration.number - 1))?;
        }
        Ok(())
    }

    /// How many events the log holds.
    pub(crate) fn held(&self) -> Result<u64, OpenError> {
        let head = self.connection.query_row(sql::HEAD, [], |row| row.get::<_, i64>(0));
        Ok(head.map_err(|error| self.failed(&error.into()))?.cast_unsigned())
    }

    fn transaction(&self, work: impl FnOnce() -> Result<(), OpenError>) -> Result<(), OpenError> {
        let run = |text| {
            let done = self.connection.execute_batch(text);
            done.map_err(|error| self.failed(&error.into()))
        };
        run("BEGIN IMMEDIATE")?;
        let done = work().and_then(|()| run("COMMIT"));
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    /// The log's id.
    pub(crate) fn log(&self) -> Result<LogId, OpenError> {
        let id = self.connection.query_row("SELECT incarnation FROM log", [], |row| row.get(0));
        let id = id.map_err(|error| self.failed(&error.into()))?;
        Ok(LogId::from_uuid(Uuid::from_bytes(id)))
    }
}

#[derive(Default)]
struct Newest {
    number: u32,
    /// The first object that is not as it was made.
    altered: Option<String>,
    foreign: Option<String>,
}

/// Refuses the number of a migration that there is not.
pub(crate) fn known(number: u32) -> Result<(), OpenError> {
    let known = MIGRATIONS.len() as u32;
    if number > known { Err(OpenError::NoSuchMigration { number, known }) } else { Ok(()) }
}

/// Every object of a database with the statement that made it.
fn shape(connection: &Connection) -> Outcome<BTreeMap<String, String>> {
    let mut statement = connection.prepare(SHAPE)?;
    let objects = statement.query_map([], |row| {
        let text: String = row.get(1)?;
        let words: Vec<_> = text.split_whitespace().collect();
        Ok((row.get(0)?, words.join(" ")))
    })?;
    Ok(objects.collect::<Result<_, _>>()?)
}
