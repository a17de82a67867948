//! The bank's command line:
//! `cargo run --release --example bank -- import ../shared/data/bank-ledger.csv`.

use std::process::ExitCode;

fn main() -> ExitCode {
    examples::bank::cli::run(std::env::args_os()).into()
}
