//! What the framework costs, each line as a ratio to a hand-written
//! counterpart that runs in turn with it: `cargo bench -p benches`.
//!
//! A line is measured in rounds, ours and the counterpart alternating, and
//! gives the median of the rounds' ratios: above 1 is faster than by hand.
//! Absolute rates are for orientation; read the ratios. Name a part of a line
//! to run only those: `cargo bench -p benches -- durable`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time")]

mod account;
mod append;
mod archive;
mod codec;
mod command;
mod import;
mod load;
mod raw_file;
mod report;
mod scan;

use report::Report;

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut report = Report::new(wanted);
    command::run(&mut report);
    codec::run(&mut report);
    append::run(&mut report);
    load::run(&mut report);
    scan::run(&mut report);
    import::run(&mut report);
}

/// A runtime like an application's.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime can be built")
}

/// A folder for data, on a disk and not in memory.
fn folder() -> tempfile::TempDir {
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    tempfile::tempdir_in(target).expect("the target folder takes data")
}
