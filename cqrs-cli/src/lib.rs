//! The command line of `cqrs-core`'s stores: migrations, backup and restore.
//!
//! ```text
//! cqrs migrate up     --store sqlite:bank.db
//! cqrs migrate status --store postgres://owner@db.example/bank --schema ledger --json
//! cqrs migrate down   --store sqlite:bank.db --to 1 --yes
//! cqrs migrate script --store postgres://
//! cqrs backup  bank.jsonl --store sqlite:bank.db
//! cqrs verify  bank.jsonl
//! cqrs restore bank.jsonl --store postgres://owner@db.example/bank --yes
//! ```
//!
//! **In a program of your own** it is one line, `cqrs_cli::main()`; or its
//! commands stand beside yours:
//!
//! ```
//! use clap::Parser;
//!
//! #[derive(Parser)]
//! enum Bank {
//!     /// Opens the bank.
//!     Serve,
//!     /// Looks after its log.
//!     #[command(flatten)]
//!     Log(cqrs_cli::Command),
//! }
//!
//! let Bank::Log(command) = Bank::parse_from(["bank", "verify", "none.jsonl"]) else { panic!() };
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! assert_eq!(command.run().await, cqrs_cli::Exit::Failed);
//! # });
//! ```
//!
//! **Nothing is destroyed by accident.** `migrate down` and `restore`, and a
//! `backup` or `export` over a file that is there, say what they would do and end with 5,
//! until `--yes` is given. `migrate down` below the first migration takes
//! `--delete-events` as well, if there are any.
//!
//! **Output** is text for people, or with `--json` one JSON object; an error
//! is then one too, on the standard error.
//!
//! **Exit codes** are those of [`Exit`]:
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed: the store or a file cannot be reached, read or written |
//! | 2 | the command line is not understood |
//! | 3 | refused: what is there does not allow it; somebody has to decide |
//! | 4 | damaged: an archive or a store does not hold what was written |
//! | 5 | nothing was changed yet: it would be with `--yes` |
//!
//! **Encryption.** A URL of PostgreSQL says by `sslmode` and `sslrootcert` how
//! connections are encrypted; see [`cqrs_postgres`].

#![deny(missing_docs)]

mod archive;
mod command;
mod error;
mod exit;
mod migrate;
mod place;
mod report;

pub use command::{Cli, Command};
pub use exit::Exit;
pub use place::{NoPlace, Place};

use std::process::ExitCode;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    Cli::run_from(std::env::args_os()).into()
}
