//! The framework's own stored formats: files of every format that was ever
//! written are kept for ever, and read as they were.
//!
//! `CQRS_FORMATS=write cargo test -p tests --test formats` writes the files of
//! the current formats, where there is none yet.

mod archive;
mod log;
mod metadata;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

/// A kept file.
fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("formats/kept").join(name)
}

/// Whether to write a file that is not there.
fn is_written(path: &Path) -> bool {
    std::env::var_os("CQRS_FORMATS").is_some_and(|mode| mode == "write") && !path.exists()
}
