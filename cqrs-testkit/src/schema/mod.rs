//! The lock file of a package, and a stored sample of every version of every
//! event: compared with the code by a test, accepted by one command.
//!
//! ```no_run
//! // tests/schema.rs
//! use my_crate as _;
//!
//! cqrs_testkit::schema_lock!();
//! # mod my_crate {}
//! ```
//!
//! | Command | What it does |
//! |---|---|
//! | `cargo test schema_lock` | fails when a shape differs from `schema.lock`, or a sample is read otherwise than before |
//! | `CQRS_SCHEMA=diff cargo test schema_lock` | says what differs and what that breaks, with the upcaster to start from |
//! | `CQRS_SCHEMA=accept cargo test schema_lock` | records new versions, changes that old events survive, and samples of them |
//! | `CQRS_SCHEMA=replace cargo test schema_lock` | records every change, for versions that were never stored |
//! | `CQRS_SCHEMA=export cargo test schema_lock` | writes a JSON Schema of every version to `target/schema` |
//!
//! While `CQRS_SCHEMA` is set, the derives compare nothing, so that code whose
//! shapes have changed compiles.

mod accept;
mod export;
mod finding;
mod sample;
mod stored;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use cqrs_core::registry::linked;
use cqrs_core::schema::{FILE_NAME, LockFile, MODE_VARIABLE};

use self::finding::{Finding, findings};
use self::sample::Samples;
use self::stored::Stored;

/// Keeps the lock file and the samples of the package around it: one test,
/// `schema_lock`. Put it into an integration test that names the package's
/// library, as `use my_crate as _;`, so that no type of a test is recorded.
#[macro_export]
macro_rules! schema_lock {
    () => {
        #[test]
        fn schema_lock() {
            $crate::schema::keep(
                ::core::env!("CARGO_PKG_NAME"),
                ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")),
            );
        }
    };
}

/// What to do about differences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Check,
    Diff,
    Accept,
    Replace,
    Export,
}

impl Mode {
    fn of_environment() -> Self {
        let mode = std::env::var(MODE_VARIABLE).unwrap_or_default();
        match mode.as_str() {
            "" | "check" => Self::Check,
            "diff" => Self::Diff,
            "accept" => Self::Accept,
            "replace" => Self::Replace,
            "export" => Self::Export,
            other => panic!(
                "{MODE_VARIABLE} is `{other}`: it may be `check`, `diff`, `accept`, `replace` or \
                 `export`"
            ),
        }
    }
}

/// What [`schema_lock!`](crate::schema_lock) does.
///
/// # Panics
///
/// Panics with a report when something differs and is not accepted, and when
/// the files cannot be read or written.
pub fn keep(package: &str, folder: &Path) {
    run(package, folder, Mode::of_environment());
}

fn run(package: &str, folder: &Path, mode: Mode) {
    let stored = Stored::of(package, &linked());
    assert!(
        !stored.is_empty(),
        "package `{package}` has linked no event and no snapshot into this test: name its library \
         here, as in `use {} as _;`",
        package.replace('-', "_")
    );
    if mode == Mode::Export {
        let written = export::export(&stored, folder);
        return say(&format!("{written} JSON Schemas are in {}/target/schema\n", folder.display()));
    }
    let recorded = LockFile::read(folder).unwrap_or_else(|error| panic!("{error}"));
    let is_missing = recorded.is_none();
    let mut lock = recorded.unwrap_or_default();
    let found = findings(&stored, &lock);
    let mut samples = Samples::read(folder).unwrap_or_else(|error| panic!("{error}"));
    if matches!(mode, Mode::Accept | Mode::Replace) {
        return accept::accept(&stored, &mut lock, &mut samples, &found, folder, mode);
    }
    let mut report = String::new();
    for finding in &found {
        writeln!(report, "\n{finding}").expect("a string takes everything");
    }
    let mut differs = found.iter().any(|finding| !finding.is_note());
    let mut is_acceptable =
        found.iter().all(|finding| finding.is_note() || finding.acceptable().is_some());
    for problem in samples.check(&stored, &lock) {
        writeln!(report, "\n{problem}").expect("a string takes everything");
        differs = true;
        is_acceptable &= problem.is_acceptable;
    }
    if !differs && !is_missing && !is_canonical(&lock, folder) {
        report.push_str("\nit is not written as `accept` writes it\n");
        differs = true;
    }
    let title = if is_missing {
        format!("package `{package}` has no {FILE_NAME} yet")
    } else if differs {
        format!("what package `{package}` stores differs from its {FILE_NAME}")
    } else {
        format!("what package `{package}` stores is as its {FILE_NAME} records")
    };
    let advice = if is_acceptable {
        format!("\nTo accept this: {MODE_VARIABLE}=accept cargo test schema_lock\n")
    } else {
        String::new()
    };
    match mode {
        Mode::Diff => say(&format!("{title}\n{report}")),
        _ if differs || is_missing => panic!("{title}\n{report}{advice}"),
        _ => {}
    }
}

/// Whether the file is what `accept` would write.
fn is_canonical(lock: &LockFile, folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join(FILE_NAME)).unwrap_or_default();
    text.replace("\r\n", "\n") == lock.render()
}

/// Speaks although the test runner keeps back what a test prints.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
