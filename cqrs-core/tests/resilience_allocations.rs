//! What a decision costs in allocations: none.

use std::num::NonZeroU32;
use std::time::Duration;

use allocation_counter::measure;
use cqrs_core::resilience::{
    Backoff, BreakerSettings, Bulkhead, CircuitBreaker, Rate, RateLimiter, RetryBudget,
};
use cqrs_core::runtime::SystemRandom;

fn allocations(decide: impl FnOnce()) -> u64 {
    measure(decide).count_total
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn a_rate_is_decided_without_an_allocation_whatever_the_limit() {
    for limit in [10, 5_000] {
        let limit = NonZeroU32::new(limit).expect("it is not 0");
        let limiter = RateLimiter::new(Rate::new(limit, Duration::from_secs(1)), 100);

        let counted = allocations(|| {
            for caller in 0..10_000_u64 {
                let _ = limiter.check(limiter.key(&("acme", caller % 500)), at(caller));
            }
        });

        assert_eq!(counted, 0);
    }
}

#[test]
fn a_breaker_lets_pass_opens_and_closes_without_an_allocation() {
    let breaker = CircuitBreaker::new(BreakerSettings::default());

    let counted = allocations(|| {
        for call in 0..10_000 {
            let now = at(call * 100);
            match breaker.try_acquire(now) {
                Ok(permit) if call % 3 == 0 => permit.succeeded(now),
                Ok(permit) if call % 3 == 1 => permit.failed(now),
                Ok(permit) => permit.ignored(),
                Err(_) => {}
            }
        }
    });

    assert_eq!(counted, 0);
    let seen = breaker.statistics();
    assert!(seen.opened > 0 && seen.rejected > 0 && seen.successes > 0, "{seen:?}");
}

#[test]
fn retries_are_paid_and_delayed_without_an_allocation() {
    let (budget, backoff, random) =
        (RetryBudget::default(), Backoff::default(), SystemRandom::seeded(1));

    let counted = allocations(|| {
        for call in 0..1_000 {
            budget.deposit(at(u64::from(call)));
            let _ = budget.withdraw(at(u64::from(call)));
            let _ = backoff.delay(call, &random);
        }
    });

    assert_eq!(counted, 0);
}

#[test]
fn a_call_that_need_not_wait_for_its_turn_costs_no_allocation() {
    use std::task::{Context, Waker};
    let bulkhead = Bulkhead::new(NonZeroU32::MIN, 0);

    let counted = allocations(|| {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            let turn = std::pin::pin!(bulkhead.acquire()).poll(&mut context);
            assert!(std::pin::pin!(bulkhead.acquire()).poll(&mut context).is_ready());
            drop(turn);
        }
    });

    assert_eq!(counted, 0);
    assert_eq!(bulkhead.statistics().refused, 1_000);
}
