use std::time::Duration;

use proptest::prelude::*;

use super::{millis, secs};
use crate::resilience::{RetryBudget, RetryBudgetSettings};

fn settings(percent: u32, min_per_second: u32, savings: u32) -> RetryBudgetSettings {
    RetryBudgetSettings { percent, min_per_second, savings }
}

fn drain(budget: &RetryBudget, now: Duration) -> u32 {
    (0..).take_while(|_| budget.withdraw(now)).last().map_or(0, |last| last + 1)
}

#[test]
fn a_fifth_of_a_retry_a_call_ten_free_a_second_and_100_saved_are_the_default() {
    let budget = RetryBudget::default();

    assert_eq!(drain(&budget, secs(0)), 100);
    assert_eq!(drain(&budget, secs(1)), 10);
    (0..50).for_each(|_| budget.deposit(secs(1)));
    assert_eq!(drain(&budget, secs(1)), 10);
}

#[test]
fn a_quiet_night_saves_no_more_than_the_bound() {
    let budget = RetryBudget::new(settings(20, 10, 30));
    let morning = secs(8 * 3_600);

    (0..10_000).for_each(|_| budget.deposit(morning));

    assert_eq!(budget.available(morning), 30);
    assert_eq!(drain(&budget, morning), 30);
}

#[test]
fn a_clock_that_is_read_earlier_earns_nothing_twice() {
    let budget = RetryBudget::new(settings(0, 1, 10));
    assert_eq!(drain(&budget, secs(10)), 10);

    assert!(!budget.withdraw(secs(3)));
    assert_eq!(drain(&budget, secs(12)), 2);
}

#[test]
fn without_savings_there_is_no_retry() {
    let budget = RetryBudget::new(settings(1_000, 1_000, 0));
    budget.deposit(secs(5));

    assert!(!budget.withdraw(secs(50)));
}

#[test]
fn other_settings_hold_from_the_next_call() {
    let budget = RetryBudget::new(settings(0, 0, 10));
    budget.configure(settings(100, 0, 3));

    assert_eq!(drain(&budget, secs(0)), 3);
    budget.deposit(secs(0));
    assert_eq!(drain(&budget, secs(0)), 1);
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let budget = RetryBudget::new(settings(u32::MAX, u32::MAX, u32::MAX));
    budget.deposit(Duration::MAX);

    assert_eq!(budget.available(Duration::MAX), 16_777);
    assert!(budget.withdraw(Duration::MAX));
    assert!(budget.withdraw(secs(0)));
}

#[derive(Clone, Debug)]
enum Step {
    Call,
    Retry,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Call),
        3 => Just(Step::Retry),
        2 => (0..700_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// The model lives through every millisecond.
    #[test]
    fn a_budget_pays_what_its_model_pays(
        percent in 0..300_u32,
        free in 0..50_u32,
        savings in 0..20_u32,
        steps in steps(),
    ) {
        let budget = RetryBudget::new(settings(percent, free, savings));
        let cap = f64::from(savings);
        let (mut now, mut model) = (0, cap);
        let (mut calls, mut paid) = (0, 0);
        for step in steps {
            match step {
                Step::Call => {
                    budget.deposit(millis(now));
                    model = (model + f64::from(percent) / 100.0).min(cap);
                    calls += 1;
                }
                Step::Retry => {
                    let pays = model > 1.0 - 1e-6;
                    prop_assert_eq!(budget.withdraw(millis(now)), pays, "model {}", model);
                    if pays {
                        model -= 1.0;
                        paid += 1;
                    }
                }
                Step::Pass(time) => {
                    for _ in 0..time {
                        model = (model + f64::from(free) / 1_000.0).min(cap);
                    }
                    now += time;
                }
            }
        }
        let earned = u64::from(savings) * 100 + calls * u64::from(percent);
        prop_assert!(paid * 100 <= earned + u64::from(free) * now / 10);
    }
}
