//! The machines behind the policies: how long to wait before the next try, how
//! many tries there may be at all, which dependency is left alone, how many
//! calls a caller may make, how many run at once.
//!
//! Each is a plain state machine. It reads no clock and starts no task: time is
//! handed in as `now`, the time since any fixed start on a clock that never
//! goes back, so that a whole night passes in a test within a microsecond.
//! Threads that read the clock a little apart do no harm: what is older than
//! what a machine has seen counts as the latest that it has seen. Nothing is
//! locked while a call runs: a [`Permit`] or a [`BulkheadPermit`] is a note
//! of who was let in, and dropping it, as a cancelled call does, gives back
//! whatever was held.
//!
//! | Machine | Its answer | Costs |
//! |---|---|---|
//! | [`Backoff`] | how long to wait before a try | arithmetic |
//! | [`RetryBudget`] | whether there may be one more try | one atomic word |
//! | [`CircuitBreaker`] | whether a dependency is asked at all | one atomic read while it works |
//! | [`RateLimiter`] | whether a caller has calls left | a short lock over sixteen callers |
//! | [`Bulkhead`] | whether a call runs, waits or is refused | a short lock |
//!
//! Rejected for the rate: the crate `governor`. Its limiter reads a clock of its
//! own and takes no time as an argument, its quota is fixed once it is made,
//! its arithmetic overflows for long periods, and its stores of keys grow
//! until somebody sweeps them. The store would have been ours in any case, and
//! what is left of it is the twenty lines of [`RateLimiter`]'s decision.
//!
//! Rejected for the bulkhead: a semaphore of tokio's. It cannot be made
//! smaller than what is in use, so that a lower limit would need a second
//! account of places owed, which a waiter that is dropped at the wrong moment
//! upsets.
//!
//! What the machines lock and count with is named in `sync` alone. The tests
//! compile the same files against a scheduler that tries the orders in which
//! threads can meet.

mod sync;

mod backoff;
mod budget;

mod window;

mod breaker;
mod breakers;

mod places;

mod rate;

mod bulkhead;

#[cfg(test)]
mod tests;

pub use backoff::{Backoff, Jitter};
pub use breaker::{BreakerSettings, BreakerState, BreakerStatistics, CircuitBreaker, Open, Permit};
pub use breakers::Breakers;
pub use budget::{RetryBudget, RetryBudgetSettings};
pub use bulkhead::{Bulkhead, BulkheadPermit, BulkheadStatistics, Full};
pub use rate::{Limited, Rate, RateLimiter};
