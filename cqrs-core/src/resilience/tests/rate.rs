use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::{count, millis, secs};
use crate::resilience::{Rate, RateLimiter};

fn rate(limit: u32, per: Duration) -> Rate {
    Rate::new(count(limit), per)
}

fn passed(limiter: &RateLimiter, key: u64, now: Duration, calls: u32) -> u32 {
    (0..calls).map(|_| u32::from(limiter.check(key, now).is_ok())).sum()
}

/// Different keys all over the table.
fn keys() -> impl Iterator<Item = u64> {
    (1_u64..).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[test]
fn as_many_calls_pass_at_once_as_the_burst_says() {
    for (burst, expected) in [(None, 10), (Some(count(3)), 3), (Some(count(25)), 25)] {
        let limiter = RateLimiter::new(Rate { burst, ..rate(10, secs(1)) }, 100);

        assert_eq!(passed(&limiter, 1, secs(1), 50), expected);
    }
}

#[test]
fn one_call_more_passes_exactly_when_it_was_announced() {
    let limiter = RateLimiter::new(rate(10, secs(1)), 100);
    assert_eq!(passed(&limiter, 1, secs(1), 10), 10);

    let limited = limiter.check(1, millis(1_030)).expect_err("none is left");

    assert_eq!(limited.retry_after, millis(70));
    let then = millis(1_100);
    assert!(limiter.check(1, then - Duration::from_nanos(1)).is_err());
    assert_eq!(passed(&limiter, 1, then, 5), 1);
}

#[test]
fn callers_do_not_spend_each_others_calls() {
    let limiter = RateLimiter::new(rate(2, secs(1)), 100);
    let (ada, bob) = (limiter.key(&("acme", "ada")), limiter.key(&("acme", "bob")));
    assert_eq!(passed(&limiter, ada, secs(1), 5), 2);

    assert_eq!(passed(&limiter, bob, secs(1), 5), 2);
}

#[test]
fn texts_of_a_key_are_kept_apart() {
    let limiter = RateLimiter::new(rate(2, secs(1)), 100);
    let other = RateLimiter::new(rate(2, secs(1)), 100);
    let key = |texts: &[&str]| limiter.key_of(texts);

    assert_eq!(key(&["acme", "ada"]), key(&["acme", "ada"]));
    assert_ne!(key(&["acme", "ada"]), key(&["acmea", "da"]));
    assert_ne!(key(&["acme"]), key(&["acme", ""]));
    assert_ne!(key(&["acme", "ada"]), other.key_of(&["acme", "ada"]));
}

#[test]
fn two_limiters_know_a_caller_by_different_hashes() {
    let (one, other) =
        (RateLimiter::new(rate(1, secs(1)), 1), RateLimiter::new(rate(1, secs(1)), 1));

    assert_eq!(one.key("ada"), one.key("ada"));
    assert_ne!(one.key("ada"), other.key("ada"));
}

#[test]
fn ten_million_keys_take_no_more_memory_and_are_all_let_in() {
    let limiter = RateLimiter::new(rate(1, secs(3_600)), 1_000);
    let before = limiter.bytes();

    let refused = keys().take(10_000_000).filter(|key| limiter.check(*key, secs(1)).is_err());

    assert_eq!(refused.count(), 0);
    assert_eq!(limiter.bytes(), before);
    assert_eq!(before, 1_000 * 40);
}

#[test]
fn a_flood_of_keys_does_not_forget_who_is_at_the_limit() {
    let limiter = RateLimiter::new(rate(10, secs(3_600)), 64);
    assert_eq!(passed(&limiter, 7 << 60, secs(1), 20), 10);

    keys().take(1_000_000).for_each(|key| assert!(limiter.check(key, secs(1)).is_ok()));

    assert!(limiter.check(7 << 60, secs(1)).is_err());
}

#[test]
fn a_table_holds_the_keys_that_it_is_made_for() {
    let limiter = RateLimiter::new(rate(1, secs(3_600)), 10_000);
    let crowd: Vec<_> = keys().map(crate::message::mix).take(10_000).collect();
    crowd.iter().for_each(|key| assert!(limiter.check(*key, secs(1)).is_ok()));

    let known = crowd.iter().filter(|key| limiter.check(**key, secs(1)).is_err()).count();

    assert!(known >= 9_900, "{known} of 10,000 are known");
}

#[test]
fn another_rate_counts_the_calls_that_were_made() {
    let limiter = RateLimiter::new(rate(10, secs(1)), 100);
    assert_eq!(passed(&limiter, 1, secs(1), 4), 4);
    assert_eq!(passed(&limiter, 2, secs(1), 10), 10);

    limiter.set_rate(rate(6, secs(60)), secs(1));

    assert_eq!(limiter.rate(), rate(6, secs(60)));
    assert_eq!(passed(&limiter, 1, secs(1), 10), 2);
    let limited = limiter.check(2, secs(1)).expect_err("it is at the limit");
    assert_eq!(limited.retry_after, secs(10));
    limiter.set_rate(rate(60, secs(60)), secs(1));
    assert_eq!(passed(&limiter, 2, secs(2), 100), 55);
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let largest = count(u32::MAX);
    for (limit, per, burst) in [
        (NonZeroU32::MIN, Duration::MAX, largest),
        (largest, Duration::ZERO, NonZeroU32::MIN),
        (largest, Duration::MAX, largest),
    ] {
        let limiter = RateLimiter::new(Rate::new(limit, per).burst(burst), 0);
        for now in [Duration::ZERO, secs(1), Duration::MAX, secs(1)] {
            let _ = limiter.check(0, now);
            let _ = limiter.check(u64::MAX, now);
        }
        limiter.set_rate(rate(1, Duration::MAX), Duration::MAX);
    }
}

#[test]
fn a_rate_is_read_with_units() {
    let read: Rate = serde_json::from_str(r#"{"limit":100,"per":"1m"}"#).expect("it is a rate");

    assert_eq!(read, rate(100, secs(60)));
    assert!(serde_json::from_str::<Rate>(r#"{"limit":0,"per":"1m"}"#).is_err());
}

/// Whether a call may pass, by all that have passed: in each stretch of time
/// that ends now there are no more than the burst and one for each interval.
fn may_pass(passed: &[u64], now: u64, interval: u64, burst: u64) -> bool {
    passed.iter().enumerate().all(|(index, since)| {
        let calls = (passed.len() - index + 1) as u64;
        calls <= burst + (now - since) / interval
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_limiter_lets_pass_what_its_model_lets_pass(
        limit in 1..12_u32,
        per in 1..5_000_u64,
        burst in prop::option::of(1..12_u32),
        calls in prop::collection::vec((0..6_usize, 0..900_u64), 1..200),
    ) {
        let rate = Rate { burst: burst.map(count), ..rate(limit, Duration::from_nanos(per)) };
        let limiter = RateLimiter::new(rate, 8);
        let interval = per.div_ceil(u64::from(limit));
        let burst = u64::from(burst.unwrap_or(limit));
        let keys: Vec<_> = (0..6).map(|caller| limiter.key(&caller)).collect();
        let mut passed = vec![Vec::new(); 6];
        let mut now = 1;
        for (caller, time) in calls {
            now += time;
            let passed = &mut passed[caller];
            let decided = limiter.check(keys[caller], Duration::from_nanos(now));
            prop_assert_eq!(decided.is_ok(), may_pass(passed, now, interval, burst));
            match decided {
                Ok(()) => passed.push(now),
                Err(limited) => {
                    let then = now + limited.retry_after.as_nanos() as u64;
                    prop_assert!(may_pass(passed, then, interval, burst));
                    prop_assert!(!may_pass(passed, then - 1, interval, burst));
                }
            }
        }
    }
}
