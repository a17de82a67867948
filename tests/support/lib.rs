//! What the suites share: a small bank, and the README as a test.

pub mod bank;

/// The README's programs compile and run as they stand.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
pub mod ledger;
pub mod place;
