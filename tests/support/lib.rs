//! A small bank that the suites share.

pub mod bank;
