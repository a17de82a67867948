//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use cqrs_core::Timestamp;

use crate::exit::Exit;
use crate::place::Place;
use crate::report::{Form, Report};
use crate::{archive, migrate};

/// Looks after the logs of event stores: migrations, backup, restore.
///
/// Ends with 0 when it is done, 1 when it failed, 2 when the command line is
/// not understood, 3 when what is there does not allow it, 4 when an archive or
/// a store is damaged, and 5 when it would do something that takes `--yes`.
#[derive(Debug, Parser)]
#[command(name = "cqrs", version)]
#[non_exhaustive]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a log. Flatten it into a command line of your own.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Makes, raises, lowers and shows the tables of a log.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Writes a log as an archive.
    Export(Export),
    /// Writes a log to a file, which is there only once it is whole and flushed.
    Backup(Backup),
    /// Brings an archive into a log; what is there already is left alone.
    Import(Import),
    /// Verifies an archive in a file and brings it into a log.
    Restore(Restore),
    /// Finds out whether an archive is what was written.
    Verify(Verify),
}

/// What can be done with the tables of a log.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Migrate {
    /// Runs the migrations that are missing.
    Up(Up),
    /// Takes migrations back.
    Down(Down),
    /// Shows which migrations there are and which were run.
    Status(Status),
    /// Prints the statements that make a log from nothing.
    Script(Script),
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Where the log is: `sqlite:PATH` or `postgres:URL`.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// The schema of the log in PostgreSQL.
    #[arg(long, value_name = "NAME", default_value = "cqrs")]
    pub(crate) schema: String,
}

/// How the outcome is written.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Writes one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Up {
    #[command(flatten)]
    pub(crate) log: Log,
    /// The newest migration to run; all, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u32>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Down {
    #[command(flatten)]
    pub(crate) log: Log,
    /// The newest migration to keep; all but the last, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u32>,
    /// Lets the events of a log go with its tables.
    #[arg(long)]
    pub(crate) delete_events: bool,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Status {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Script {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Export {
    #[command(flatten)]
    pub(crate) log: Log,
    /// The file to write; `-` is the standard output, and the report then goes
    /// to the standard error.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// Replaces a file that is there.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Backup {
    /// The file to write.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) log: Log,
    /// Replaces a file that is there.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Point {
    /// Ends with the unit of work whose last event stood here.
    #[arg(long, value_name = "N")]
    pub(crate) until_position: Option<u64>,
    /// Ends with what was recorded at this time, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) until_time: Option<Timestamp>,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Import {
    /// The archive; `-` is the standard input.
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) point: Point,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Restore {
    /// The archive.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) point: Point,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// As its name says.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Verify {
    /// The archive; `-` is the standard input.
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl Cli {
    /// Reads a command line and carries it out, on a runtime of its own.
    #[must_use]
    pub fn run_from(args: impl IntoIterator<Item = OsString>) -> Exit {
        let cli = match Self::try_parse_from(args) {
            Ok(cli) => cli,
            Err(usage) => {
                let _ = usage.print();
                return if usage.use_stderr() { Exit::Usage } else { Exit::Done };
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(cli.command.run()),
            Err(error) => {
                cli.command.form().error(&error.into());
                Exit::Failed
            }
        }
    }
}

impl Command {
    /// Carries it out, writes the outcome, and says how to end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a migration run whole or not at all, an
    /// archive without its end, or a beginning of an archive in the log.
    pub async fn run(&self) -> Exit {
        let form = self.form();
        let outcome = match self {
            Self::Migrate(Migrate::Up(up)) => migrate::up(up).await,
            Self::Migrate(Migrate::Down(down)) => migrate::down(down).await,
            Self::Migrate(Migrate::Status(status)) => migrate::status(status).await,
            Self::Migrate(Migrate::Script(script)) => migrate::script(script),
            Self::Export(export) => archive::export(export).await,
            Self::Backup(backup) => archive::backup(backup).await,
            Self::Import(import) => archive::import(import).await,
            Self::Restore(restore) => archive::restore(restore).await,
            Self::Verify(verify) => archive::verify(verify).await,
        };
        match outcome.and_then(|report| Ok((form.report(&report)?, report.exit()))) {
            Ok(((), exit)) => exit,
            Err(error) => {
                form.error(&error);
                error.exit()
            }
        }
    }

    fn form(&self) -> Form {
        let output = match self {
            Self::Migrate(Migrate::Up(Up { output, .. })) => output,
            Self::Migrate(Migrate::Down(Down { output, .. })) => output,
            Self::Migrate(Migrate::Status(Status { output, .. })) => output,
            Self::Migrate(Migrate::Script(Script { output, .. })) => output,
            Self::Export(Export { output, .. }) => output,
            Self::Backup(Backup { output, .. }) => output,
            Self::Import(Import { output, .. }) => output,
            Self::Restore(Restore { output, .. }) => output,
            Self::Verify(Verify { output, .. }) => output,
        };
        if output.json { Form::Json } else { Form::Text }
    }
}

pub(crate) type Outcome = Result<Report, crate::error::CliError>;
