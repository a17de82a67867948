use std::sync::Arc;
use std::time::Duration;

use super::resilience::budget::{RetryBudget, RetryBudgetSettings};
use super::resilience::rate::{Rate, RateLimiter};
use super::{SCHEDULES, count, together};

const NOW: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn threads_share_the_calls_of_a_key_exactly() {
    let test = || {
        let limiter = Arc::new(RateLimiter::new(Rate::new(count(4), HOUR), 8));
        let calls =
            |limiter: &RateLimiter| (0..2).filter(|_| limiter.check(7, NOW).is_ok()).count();
        let passed: usize = together(&limiter, [calls, calls, calls]).into_iter().sum();
        assert_eq!(passed, 4);
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn two_changes_of_the_rate_end_with_one_rate_for_all_keys() {
    let test = || {
        let limiter = Arc::new(RateLimiter::new(Rate::new(count(1), HOUR), 16));
        let three = |limiter: &RateLimiter| limiter.set_rate(Rate::new(count(3), HOUR), NOW);
        let five = |limiter: &RateLimiter| limiter.set_rate(Rate::new(count(5), HOUR), NOW);
        together(&limiter, [three, five]);
        let expected = limiter.rate().limit.get() as usize;
        for key in [1, u64::MAX] {
            assert_eq!((0..9).filter(|_| limiter.check(key, NOW).is_ok()).count(), expected);
        }
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn no_two_retries_are_paid_with_the_same_savings() {
    let test = || {
        let settings = RetryBudgetSettings { percent: 100, min_per_second: 0, savings: 3 };
        let budget = Arc::new(RetryBudget::new(settings));
        let retries = |budget: &RetryBudget| (0..2).filter(|_| budget.withdraw(NOW)).count();
        let paid: usize = together(&budget, [retries, retries, retries]).into_iter().sum();
        assert_eq!(paid, 3);
        let deposit = |budget: &RetryBudget| budget.deposit(NOW);
        together(&budget, [deposit, deposit]);
        assert_eq!(budget.available(NOW), 2);
    };
    shuttle::check_random(test, SCHEDULES);
}
