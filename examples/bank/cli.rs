//! The command line.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use cqrs_core::prelude::*;

use super::account::AccountId;
use super::app::{self, Create, StoreChoice};
use super::balances::BalanceOf;
use super::day::Day;
use super::exit::Exit;
use super::history::HistoryOf;
use super::import::import;
use super::imported::Ending;
use super::ledger::Ledger;
use super::output::{Form, Output};
use super::progress::Progress;
use super::report::Report;

/// How long the read model may take to follow before a question is answered.
const FOLLOW: Duration = Duration::from_secs(600);

/// Imports a bank's ledger and answers questions about it.
///
/// Ends with 0 when everything was done, with 1 when rows were rejected or an
/// account does not exist, and with 2 when the command line, a file or the
/// store does not allow it.
#[derive(Debug, Parser)]
#[command(name = "bank")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Imports a ledger; importing it again changes nothing.
    Import {
        /// A CSV file with a header; without one, a small invented ledger.
        ledger: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Shows the balance of an account.
    Balance {
        /// The account's number.
        account: String,
        #[command(flatten)]
        day: AsOf,
        #[command(flatten)]
        common: Common,
    },
    /// Lists what has happened on an account.
    History {
        /// The account's number.
        account: String,
        #[command(flatten)]
        day: AsOf,
        #[command(flatten)]
        common: Common,
    },
    /// Shows the totals of all accounts.
    Report {
        #[command(flatten)]
        day: AsOf,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// Where the bank keeps its log: `memory`, `sqlite:PATH` or `postgres:URL`.
    #[arg(long, default_value = "sqlite:bank.db", value_name = "STORE")]
    store: StoreChoice,
    /// Writes one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AsOf {
    /// As things stood at the end of this day of the ledger, such as
    /// 1993-12-31.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
}

type Outcome = Result<Exit, Box<dyn Error>>;

/// Runs the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => {
            let _ = usage.print();
            return if usage.use_stderr() { Exit::Failed } else { Exit::Done };
        }
    };
    let (Command::Import { common, .. }
    | Command::Balance { common, .. }
    | Command::History { common, .. }
    | Command::Report { common, .. }) = &cli.command;
    let output = Output { form: if common.json { Form::Json } else { Form::Text } };
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(execute(&cli.command, output)));
    outcome.unwrap_or_else(|error| {
        output.error(&*error);
        Exit::Failed
    })
}

async fn execute(command: &Command, output: Output) -> Outcome {
    match command {
        Command::Import { ledger, common } => {
            let ledger = match ledger {
                Some(path) => Ledger::open(path)?,
                None => Ledger::built_in()?,
            };
            let app = app::open(&common.store, Create::Yes).await?;
            let outcome = import_ledger(&app, ledger, output).await;
            app.shutdown().await;
            outcome
        }
        Command::Balance { account, day, common } => {
            let app = caught_up(common).await?;
            balance(&app, account.as_str().into(), day.as_of, output).await
        }
        Command::History { account, day, common } => {
            let app = caught_up(common).await?;
            history(&app, account.as_str().into(), day.as_of, output).await
        }
        Command::Report { day, common } => {
            let app = caught_up(common).await?;
            output.report(day.as_of, &app.query(Report { as_of: day.as_of }).await?);
            Ok(Exit::Done)
        }
    }
}

/// The bank with a read model that has seen everything in the log.
async fn caught_up(common: &Common) -> Result<App, Box<dyn Error>> {
    let app = app::open(&common.store, Create::No).await?;
    app.catch_up(FOLLOW).await?;
    Ok(app)
}

async fn import_ledger(app: &App, ledger: Ledger, output: Output) -> Outcome {
    let mut progress = Progress::new();
    let done = import(app, ledger, &mut progress).await;
    drop(progress);
    let done = done?;
    output.imported(&done);
    Ok(match done.ending() {
        Ending::Complete => Exit::Done,
        Ending::WithRejections => Exit::Incomplete,
    })
}

async fn balance(app: &App, account: AccountId, as_of: Option<Day>, output: Output) -> Outcome {
    let found = app.query(BalanceOf { account: account.clone(), as_of }).await?;
    let Some(found) = found else {
        output.not_found(&account, as_of);
        return Ok(Exit::Incomplete);
    };
    output.balance(&account, as_of, &found);
    Ok(Exit::Done)
}

async fn history(app: &App, account: AccountId, as_of: Option<Day>, output: Output) -> Outcome {
    let lines = app.query(HistoryOf { account: account.clone(), as_of }).await?;
    if lines.is_empty() {
        output.not_found(&account, as_of);
        return Ok(Exit::Incomplete);
    }
    output.history(&account, as_of, &lines);
    Ok(Exit::Done)
}
