use std::sync::Arc;
use std::time::Duration;

use super::resilience::breaker::{BreakerSettings, BreakerState, CircuitBreaker};
use super::{SCHEDULES, count, together};

const NOW: Duration = Duration::from_secs(100);

fn breaker(threshold: u32, probes: u32) -> CircuitBreaker {
    CircuitBreaker::new(BreakerSettings {
        failure_threshold: count(threshold),
        probes: count(probes),
        ..BreakerSettings::default()
    })
}

/// One that half opens at [`NOW`].
fn half_open(probes: u32) -> CircuitBreaker {
    let breaker = breaker(1, probes);
    breaker.try_acquire(Duration::ZERO).expect("closed").failed(Duration::ZERO);
    breaker
}

fn probe(breaker: &CircuitBreaker) -> bool {
    let permit = breaker.try_acquire(NOW);
    let passes = permit.is_ok();
    // Held for good, as by a call that has not yet ended.
    std::mem::forget(permit);
    passes
}

fn cancel(breaker: &CircuitBreaker) {
    drop(breaker.try_acquire(NOW));
}

fn succeed(breaker: &CircuitBreaker) {
    if let Ok(permit) = breaker.try_acquire(NOW) {
        permit.succeeded(NOW);
    }
}

fn fail(breaker: &CircuitBreaker) {
    if let Ok(permit) = breaker.try_acquire(NOW) {
        permit.failed(NOW);
    }
}

#[test]
fn one_probe_passes_in_every_order_of_two_threads() {
    let test = || {
        let passed = together(&Arc::new(half_open(1)), [probe, probe]);
        assert!(passed[0] != passed[1]);
    };
    shuttle::check_dfs(test, None);
}

#[test]
fn no_more_probes_pass_than_may_in_any_order() {
    let test = || {
        let passed = together(&Arc::new(half_open(2)), [probe, probe, probe]);
        assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 2);
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn cancelled_probes_leave_their_places_in_any_order() {
    let test = || {
        let breaker = Arc::new(half_open(1));
        together(&breaker, [cancel, cancel, cancel]);
        assert!(probe(&breaker) && !probe(&breaker));
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn failures_of_several_threads_open_it_once() {
    let test = || {
        let breaker = Arc::new(breaker(2, 1));
        together(&breaker, [fail, fail, fail]);
        let seen = breaker.statistics();
        assert_eq!(breaker.state(NOW), BreakerState::Open);
        assert_eq!((seen.opened, seen.failures + seen.rejected), (1, 3));
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn a_call_that_began_closed_never_ends_as_a_probe() {
    let test = || {
        let breaker = Arc::new(breaker(1, 1));
        let late = |breaker: &CircuitBreaker| {
            let late = breaker.try_acquire(Duration::ZERO);
            shuttle::thread::yield_now();
            if let Ok(permit) = late {
                permit.succeeded(NOW);
            }
            false
        };
        let opens = |breaker: &CircuitBreaker| {
            if let Ok(permit) = breaker.try_acquire(Duration::ZERO) {
                permit.failed(Duration::ZERO);
            }
            probe(breaker)
        };
        let probed = together(&breaker, [late, opens]).contains(&true);
        assert!(probed);
        assert_eq!(breaker.state(NOW), BreakerState::HalfOpen);
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn calls_of_every_kind_leave_a_breaker_that_can_close() {
    let test = || {
        let breaker = Arc::new(half_open(2));
        together(&breaker, [succeed, fail, cancel, succeed]);
        let later = NOW * 2;
        for _ in 0..2 {
            if let Ok(permit) = breaker.try_acquire(later) {
                permit.succeeded(later);
            }
        }
        assert_eq!(breaker.state(later), BreakerState::Closed);
    };
    shuttle::check_random(test, SCHEDULES);
}
