//! What is true after processes, servers and connections were killed.
//!
//! The counts are small here. For many: `CQRS_SOAK=1 cargo test --release -p
//! tests --test recovery`.
#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod application;
mod doubt;
mod leader;
mod proxy;
mod restore;
mod server;
mod sharing;
mod tail;

/// A count for every day, or for a long run.
fn count(usual: u64, soak: u64) -> u64 {
    if std::env::var_os("CQRS_SOAK").is_some() { soak } else { usual }
}
