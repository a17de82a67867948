//! The bank, from its account to its command line.

mod account;
mod bad_files;
mod bad_rows;
mod bad_stores;
mod crash;
mod import;
mod questions;
mod real_ledger;
mod support;
