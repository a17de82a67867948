use std::time::Duration;

use proptest::prelude::*;

use super::{millis, secs};
use crate::resilience::{Backoff, Jitter};
use crate::runtime::Random;

struct Always(u64);

impl Random for Always {
    fn next_u64(&self) -> u64 {
        self.0
    }
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![Just(Jitter::Full), Just(Jitter::None), Just(Jitter::Equal)]
}

#[test]
fn delays_double_up_to_the_cap() {
    let backoff = Backoff::new(secs(1), secs(5)).with_jitter(Jitter::None);

    let delays = [0, 1, 2, 3, 4, u32::MAX].map(|attempt| backoff.delay(attempt, &Always(7)));

    assert_eq!(delays, [1, 1, 2, 4, 5, 5].map(secs));
}

#[test]
fn jitter_reaches_both_ends_of_its_range() {
    let backoff = Backoff::new(secs(1), secs(60));
    let ends = |jitter| {
        let backoff = backoff.clone().with_jitter(jitter);
        [0, u64::MAX].map(|random| backoff.delay(3, &Always(random)))
    };

    assert_eq!(ends(Jitter::Full), [secs(0), secs(4)]);
    assert_eq!(ends(Jitter::Equal), [secs(2), secs(4)]);
    assert_eq!(ends(Jitter::None), [secs(4), secs(4)]);
}

#[test]
fn full_jitter_from_100_ms_to_30_s_is_the_default() {
    let expected = Backoff::new(millis(100), secs(30)).with_factor(2).with_jitter(Jitter::Full);

    assert_eq!(Backoff::default(), expected);
}

#[test]
fn settings_are_read_with_units_and_unknown_ones_are_refused() {
    let text = r#"{"base":"50ms","factor":3,"cap":"2s","jitter":"equal"}"#;
    let expected = Backoff::new(millis(50), secs(2)).with_factor(3).with_jitter(Jitter::Equal);

    let read: Backoff = serde_json::from_str(text).expect("it is a backoff");

    assert_eq!(read, expected);
    assert_eq!(serde_json::to_string(&expected).expect("it is written"), text);
    assert!(serde_json::from_str::<Backoff>(r#"{"bass":"50ms"}"#).is_err());
}

proptest! {
    #[test]
    fn a_delay_is_never_above_what_is_due_nor_above_the_cap(
        base in any::<Duration>(),
        factor: u32,
        cap in any::<Duration>(),
        attempt in prop_oneof![0..70_u32, any::<u32>()],
        jitter in jitters(),
        random: u64,
    ) {
        let backoff = Backoff::new(base, cap).with_factor(factor).with_jitter(jitter);

        let delay = backoff.delay(attempt, &Always(random));

        // Longer ones than 584 years are cut there.
        let mut due = base.min(cap);
        for _ in 1..attempt.min(200) {
            due = due.saturating_mul(factor.max(1)).min(cap);
        }
        let due = due.min(Duration::from_nanos(u64::MAX));
        if factor > 1 || attempt <= 200 {
            prop_assert!(delay <= due, "{delay:?} of {due:?}");
            match jitter {
                Jitter::Full => {}
                Jitter::None => prop_assert_eq!(delay, due),
                Jitter::Equal => prop_assert!(delay >= due / 2),
            }
        }
        prop_assert!(delay <= cap);
    }
}
