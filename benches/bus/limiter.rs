//! A decision of the rate limiter at a small and at a large limit.

use std::num::NonZeroU32;
use std::time::Duration;

use cqrs_core::resilience::{Rate, RateLimiter};

use crate::report::timed;

const DECISIONS: u64 = 1_000_000;

pub(crate) fn run() {
    let nanos = |limit: u32, keys: u64| {
        let limit = NonZeroU32::new(limit).expect("no limit of nothing");
        let limiter = RateLimiter::new(Rate::new(limit, Duration::from_secs(1)), 65_536);
        let decide = |count: u64| {
            for n in 0..count {
                let key = (n % keys).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let _ = std::hint::black_box(limiter.check(key, Duration::from_micros(n)));
            }
        };
        decide(DECISIONS / 10);
        let counted = allocation_counter::measure(|| decide(1_000));
        let mut rounds: Vec<f64> = (0..7)
            .map(|_| timed(|| decide(DECISIONS)).as_secs_f64() * 1e9 / DECISIONS as f64)
            .collect();
        rounds.sort_by(f64::total_cmp);
        (rounds[3], counted.count_total)
    };
    let ((small, none), (large, nothing)) = (nanos(10, 1_000), nanos(5_000, 1_000));
    println!(
        "| limiter: a decision at a limit of 10, against 5,000 | {small:.1} ns, {none} allocations | \
         equal, 0 | {large:.1} ns, {nothing} allocations | {:.2} |",
        small / large
    );
}
