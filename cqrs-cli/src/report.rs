//! What a command has found or done, for people and for programs.

use std::fmt;
use std::io::{self, Write};

use cqrs_archive::{Imported, Manifest};
use serde::Serialize;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;

/// One step of the tables of a log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
}

/// What an archive holds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Content {
    log: String,
    events: u64,
    units: u64,
    xxh3: String,
}

/// What was brought into a log.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Brought {
    events: u64,
    units: u64,
    repeated: u64,
}

#[derive(Debug, Serialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub(crate) enum Report {
    Up { store: String, from: u32, to: u32, steps: Vec<Step> },
    Down { store: String, from: u32, to: u32, steps: Vec<Step>, deleted: u64, done: bool },
    Status { store: String, current: u32, events: u64, run: Vec<Step>, missing: Vec<Step> },
    Script { statements: String },
    Export { store: String, file: String, content: Content },
    Backup { store: String, file: String, content: Content },
    WouldReplace { store: String, file: String },
    Import { store: String, file: String, brought: Brought },
    Restore { store: String, file: String, brought: Brought },
    WouldRestore { store: String, file: String, content: Content, present: u64 },
    Verify { file: String, content: Content },
}

impl Report {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Down { done: false, .. }
            | Self::WouldReplace { .. }
            | Self::WouldRestore { .. } => Exit::Pending,
            _ => Exit::Done,
        }
    }

    /// Whether the standard output is taken by an archive.
    fn is_beside(&self) -> bool {
        matches!(self, Self::Export { file, .. } if file == "-")
    }
}

impl Content {
    pub(crate) fn of(manifest: Manifest) -> Self {
        let Manifest { log, events, units, xxh3, .. } = manifest;
        Self { log: log.to_string(), events, units, xxh3 }
    }
}

impl From<Imported> for Brought {
    fn from(done: Imported) -> Self {
        Self { events: done.events, units: done.units, repeated: done.repeated }
    }
}

/// How the outcome is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

impl Form {
    pub(crate) fn report(self, report: &Report) -> Result<(), CliError> {
        let text = match self {
            Self::Text => report.to_string(),
            Self::Json => serde_json::to_string(report).map_err(io::Error::from)?,
        };
        if report.is_beside() {
            writeln!(io::stderr(), "{text}")?;
        } else {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}")?;
            out.flush()?;
        }
        Ok(())
    }

    /// Nothing can be said of an error that cannot be written.
    pub(crate) fn error(self, error: &CliError) {
        let message = cqrs_core::report(error);
        let _ = match self {
            Self::Text => writeln!(io::stderr(), "error: {message}"),
            Self::Json => {
                let exit = error.exit().code();
                writeln!(io::stderr(), "{}", json!({ "error": message, "exit": exit }))
            }
        };
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up { store, steps, to, .. } if steps.is_empty() => {
                write!(f, "{store}: nothing to do, migration {to} was run")
            }
            Self::Up { store, from, to, steps } => {
                write!(f, "{store}: went up from {from} to {to}")?;
                listed(f, steps)
            }
            Self::Down { store, steps, to, .. } if steps.is_empty() => {
                write!(f, "{store}: nothing to do, it is at migration {to}")
            }
            Self::Down { store, from, to, steps, deleted, done } => {
                let went = if *done { "went" } else { "would go" };
                write!(f, "{store}: {went} down from {from} to {to}")?;
                listed(f, steps)?;
                let gone = if *done { "deleted" } else { "would be deleted" };
                if *deleted > 0 {
                    write!(f, "\n{deleted} events {gone}")?;
                }
                if *done { Ok(()) } else { f.write_str("\nnothing was changed; do it with --yes") }
            }
            Self::Status { store, current, events, run, missing } => {
                write!(f, "{store}: at migration {current}, {events} events\nrun:")?;
                listed(f, run)?;
                f.write_str("\nmissing:")?;
                listed(f, missing)
            }
            Self::Script { statements } => f.write_str(statements.trim_end()),
            Self::Export { store, file, content } | Self::Backup { store, file, content } => {
                write!(f, "{store}: wrote {content} to {file}")
            }
            Self::WouldReplace { file, .. } => {
                write!(f, "{file}: is there already and was left alone; replace it with --yes")
            }
            Self::Import { store, file, brought } | Self::Restore { store, file, brought } => {
                write!(f, "{store}: has {brought} of {file}")
            }
            Self::WouldRestore { store, file, content, present } => write!(
                f,
                "{file}: is whole, {content}\n{store}: holds {present} events and would take it in\n\
                 nothing was changed; do it with --yes"
            ),
            Self::Verify { file, content } => write!(f, "{file}: is whole, {content}"),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, steps: &[Step]) -> fmt::Result {
    if steps.is_empty() {
        return f.write_str("\n  none");
    }
    steps.iter().try_for_each(|step| write!(f, "\n  {} {}", step.number, step.name))
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, events, units, xxh3 } = self;
        write!(f, "{events} events in {units} units of log {log}, checksum {xxh3}")
    }
}

impl fmt::Display for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, units, repeated } = self;
        write!(f, "{events} events in {units} units, {repeated} of them from before,")
    }
}
