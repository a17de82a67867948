//! Each machine against a plain model of it, under virtual time.

mod backoff;
mod breaker;
mod breakers;
mod budget;
mod bulkhead;
mod rate;

use std::num::NonZeroU32;
use std::time::Duration;

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("tests count from 1")
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
