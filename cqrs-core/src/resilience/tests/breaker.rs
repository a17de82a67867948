use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{count, millis, secs};
use crate::resilience::{BreakerSettings, BreakerState, CircuitBreaker, Permit};

fn settings(threshold: u32, window: u64, timeout: u64, probes: u32) -> BreakerSettings {
    BreakerSettings {
        failure_threshold: count(threshold),
        window: millis(window),
        timeout: millis(timeout),
        probes: count(probes),
    }
}

fn fail(breaker: &CircuitBreaker, now: Duration) {
    breaker.try_acquire(now).expect("it lets calls pass").failed(now);
}

/// A breaker that half opens at 100 ms.
fn open(probes: u32) -> CircuitBreaker {
    let breaker = CircuitBreaker::new(settings(1, 1_000, 100, probes));
    fail(&breaker, millis(0));
    breaker
}

#[test]
fn ten_failures_in_a_minute_open_it_for_half_a_minute() {
    let breaker = CircuitBreaker::new(BreakerSettings::default());
    (0..9).for_each(|second| fail(&breaker, secs(second)));
    assert_eq!(breaker.state(secs(9)), BreakerState::Closed);

    fail(&breaker, secs(9));

    assert_eq!(breaker.state(secs(9)), BreakerState::Open);
    let refused = breaker.try_acquire(secs(38)).expect_err("it is open");
    assert_eq!(refused.retry_after, secs(1));
    assert_eq!(breaker.state(secs(39)), BreakerState::HalfOpen);
    assert!(breaker.try_acquire(secs(39)).is_ok());
}

#[test]
fn failures_that_have_left_the_window_do_not_count() {
    let breaker = CircuitBreaker::new(settings(3, 1_000, 100, 1));
    [0, 900, 1_001, 1_901].map(millis).into_iter().for_each(|now| fail(&breaker, now));
    assert_eq!(breaker.state(millis(1_901)), BreakerState::Closed);

    fail(&breaker, millis(2_001));

    assert_eq!(breaker.state(millis(2_001)), BreakerState::Open);
}

#[test]
fn a_dropped_probe_gives_its_place_back_and_counts_nothing() {
    let breaker = open(1);
    let probe = breaker.try_acquire(millis(100)).expect("a probe");
    assert!(breaker.try_acquire(millis(100)).is_err());
    let before = breaker.statistics();

    drop(probe);
    breaker.try_acquire(millis(100)).expect("the place is free").ignored();

    assert_eq!(breaker.statistics(), before);
    assert_eq!(breaker.state(millis(100)), BreakerState::HalfOpen);
    breaker.try_acquire(millis(100)).expect("it is free again").succeeded(millis(100));
    assert_eq!(breaker.state(millis(100)), BreakerState::Closed);
}

#[test]
fn as_many_probes_must_succeed_as_are_let_pass() {
    let breaker = open(3);
    let acquire = || breaker.try_acquire(millis(100));
    let mut probes: Vec<_> = (0..3).map(|_| acquire().expect("a probe")).collect();
    assert!(acquire().is_err());

    for left in [2, 1] {
        probes.pop().expect("a probe").succeeded(millis(100));
        assert_eq!((breaker.state(millis(100)), probes.len()), (BreakerState::HalfOpen, left));
        assert!(acquire().is_err());
    }
    probes.pop().expect("a probe").succeeded(millis(100));

    assert_eq!(breaker.state(millis(100)), BreakerState::Closed);
}

#[test]
fn one_failed_probe_opens_it_and_the_others_no_longer_count() {
    let breaker = open(2);
    let acquire = |now| breaker.try_acquire(now).expect("a probe");
    let (first, second) = (acquire(millis(100)), acquire(millis(100)));

    first.failed(millis(150));
    second.succeeded(millis(160));

    assert_eq!(breaker.state(millis(249)), BreakerState::Open);
    let again = (acquire(millis(250)), acquire(millis(250)));
    again.0.succeeded(millis(250));
    assert_eq!(breaker.state(millis(250)), BreakerState::HalfOpen);
    again.1.succeeded(millis(250));
    assert_eq!(breaker.state(millis(250)), BreakerState::Closed);
}

#[test]
fn a_call_from_before_it_opened_is_no_probe() {
    let breaker = CircuitBreaker::new(settings(1, 1_000, 100, 1));
    let early: Vec<_> = (0..3).map(|_| breaker.try_acquire(millis(0)).expect("closed")).collect();
    fail(&breaker, millis(0));
    let probe = breaker.try_acquire(millis(100)).expect("a probe");

    let mut early = early.into_iter();
    early.next().expect("three").succeeded(millis(100));
    assert_eq!(breaker.state(millis(100)), BreakerState::HalfOpen);
    early.next().expect("three").failed(millis(100));
    assert_eq!(breaker.state(millis(100)), BreakerState::HalfOpen);
    drop(early);
    assert!(breaker.try_acquire(millis(100)).is_err());

    probe.succeeded(millis(100));
    assert_eq!(breaker.state(millis(100)), BreakerState::Closed);
}

#[test]
fn a_forced_state_holds_until_somebody_says_otherwise() {
    let breaker = CircuitBreaker::new(settings(1, 1_000, 100, 1));

    breaker.force_open();
    assert!(breaker.try_acquire(secs(3_600)).is_err());
    assert_eq!(breaker.state(secs(3_600)), BreakerState::ForcedOpen);
    breaker.force_close();
    (0..20).for_each(|_| fail(&breaker, secs(3_601)));
    assert_eq!(breaker.state(secs(3_601)), BreakerState::ForcedClosed);
    breaker.reset();
    assert_eq!(breaker.state(secs(3_601)), BreakerState::Closed);
    fail(&breaker, secs(3_602));

    assert_eq!(breaker.state(secs(3_602)), BreakerState::Open);
    assert_eq!(breaker.statistics().opened, 1);
}

#[test]
fn other_settings_hold_at_once() {
    let breaker = CircuitBreaker::new(settings(5, 1_000, 100, 1));
    (0..3).for_each(|_| fail(&breaker, millis(0)));
    breaker.configure(settings(4, 1_000, 500, 2));
    fail(&breaker, millis(0));
    assert_eq!(breaker.state(millis(499)), BreakerState::Open);

    breaker.configure(settings(4, 1_000, 50, 2));
    assert_eq!(breaker.state(millis(50)), BreakerState::HalfOpen);
    breaker.try_acquire(millis(50)).expect("a probe").succeeded(millis(50));
    breaker.configure(settings(4, 1_000, 50, 1));

    assert_eq!(breaker.state(millis(50)), BreakerState::Closed);
}

#[test]
fn settings_are_read_with_units() {
    let text = r#"{"failure_threshold":3,"window":"10s","timeout":"500ms","probes":2}"#;

    let read: BreakerSettings = serde_json::from_str(text).expect("they are settings");

    assert_eq!(read, settings(3, 10_000, 500, 2));
    assert!(serde_json::from_str::<BreakerSettings>(r#"{"probes":0}"#).is_err());
}

#[tokio::test(start_paused = true)]
async fn twenty_calls_through_one_breaker_run_at_the_same_time() {
    let breaker = Arc::new(CircuitBreaker::new(BreakerSettings::default()));
    let all_are_here = Arc::new(tokio::sync::Barrier::new(20));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (breaker, all_are_here) = (Arc::clone(&breaker), Arc::clone(&all_are_here));
        calls.spawn(async move {
            let permit = breaker.try_acquire(secs(0)).expect("it is closed");
            all_are_here.wait().await;
            permit.succeeded(secs(0));
        });
    }

    let ended = tokio::time::timeout(secs(60), calls.join_all()).await;

    assert!(ended.is_ok(), "a call kept another one out");
    assert_eq!(breaker.statistics().successes, 20);
}

/// A breaker that remembers everything and looks through it at each step.
struct Model {
    settings: BreakerSettings,
    phase: BreakerState,
    /// Since when it is open.
    since: Duration,
    /// A new one with every change of the phase.
    era: usize,
    /// When calls of this era failed.
    failures: Vec<Duration>,
    /// How many probes of this era have succeeded, and how many are under way.
    succeeded: u32,
    running: u32,
    figures: (u64, u64, u64, u64),
}

impl Model {
    fn turn(&mut self, phase: BreakerState) {
        self.phase = phase;
        self.era += 1;
        self.failures.clear();
        (self.running, self.succeeded) = (0, 0);
    }

    fn state(&self, now: Duration) -> BreakerState {
        match self.phase {
            BreakerState::Open if now >= self.since + self.settings.timeout => {
                BreakerState::HalfOpen
            }
            phase => phase,
        }
    }

    /// The era of the permit and whether it is a probe's.
    fn acquire(&mut self, now: Duration) -> Result<(usize, bool), Duration> {
        let timeout = self.settings.timeout;
        let state = self.state(now);
        if state == BreakerState::HalfOpen && self.phase == BreakerState::Open {
            self.turn(state);
        }
        let refused = match state {
            BreakerState::Closed | BreakerState::ForcedClosed => return Ok((self.era, false)),
            BreakerState::HalfOpen
                if self.running + self.succeeded < self.settings.probes.get() =>
            {
                self.running += 1;
                return Ok((self.era, true));
            }
            BreakerState::Open => self.since + timeout - now,
            _ => timeout,
        };
        self.figures.2 += 1;
        Err(refused)
    }

    fn succeed(&mut self, (era, is_probe): (usize, bool)) {
        self.figures.0 += 1;
        if is_probe && era == self.era {
            self.running -= 1;
            self.succeeded += 1;
            self.close();
        }
    }

    fn close(&mut self) {
        let needed = self.settings.probes.get();
        if self.phase == BreakerState::HalfOpen && self.succeeded >= needed {
            self.turn(BreakerState::Closed);
        }
    }

    fn fail(&mut self, (era, is_probe): (usize, bool), now: Duration) {
        self.figures.1 += 1;
        if era != self.era {
            return;
        }
        self.failures.push(now);
        let young = self.failures.iter().filter(|at| now - **at <= self.settings.window).count();
        let many = young >= self.settings.failure_threshold.get() as usize;
        if is_probe || self.phase == BreakerState::Closed && many {
            self.figures.3 += 1;
            self.since = now;
            self.turn(BreakerState::Open);
        }
    }

    fn cancel(&mut self, (era, is_probe): (usize, bool)) {
        if is_probe && era == self.era {
            self.running -= 1;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    Succeed(usize),
    Fail(usize),
    Cancel(usize),
    Pass(u64),
    Force(BreakerState),
    Configure(BreakerSettings),
}

fn any_settings() -> impl Strategy<Value = BreakerSettings> {
    (1..5_u32, 0..300_u64, 0..200_u64, 1..4_u32).prop_map(|(threshold, window, timeout, probes)| {
        settings(threshold, window, timeout, probes)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let forced = vec![BreakerState::ForcedOpen, BreakerState::ForcedClosed, BreakerState::Closed];
    let step = prop_oneof![
        60 => Just(Step::Acquire),
        20 => (0..8_usize).prop_map(Step::Succeed),
        25 => (0..8_usize).prop_map(Step::Fail),
        10 => (0..8_usize).prop_map(Step::Cancel),
        30 => (0..150_u64).prop_map(Step::Pass),
        2 => prop::sample::select(forced).prop_map(Step::Force),
        2 => any_settings().prop_map(Step::Configure),
    ];
    prop::collection::vec(step, 1..250)
}

fn take<T>(calls: &mut Vec<T>, index: usize) -> Option<T> {
    (!calls.is_empty()).then(|| calls.remove(index % calls.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_breaker_does_what_its_model_does(settings in any_settings(), steps in steps()) {
        let breaker = CircuitBreaker::new(settings);
        let mut model = Model {
            settings,
            phase: BreakerState::Closed,
            since: Duration::ZERO,
            era: 0,
            failures: Vec::new(),
            succeeded: 0,
            running: 0,
            figures: (0, 0, 0, 0),
        };
        let mut now = Duration::ZERO;
        let mut calls: Vec<(Permit<'_>, (usize, bool))> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire => match (breaker.try_acquire(now), model.acquire(now)) {
                    (Ok(permit), Ok(expected)) => calls.push((permit, expected)),
                    (Err(open), Err(expected)) => prop_assert_eq!(open.retry_after, expected),
                    (got, expected) => prop_assert!(false, "{:?} for {:?}", got, expected),
                },
                Step::Succeed(index) => {
                    if let Some((permit, call)) = take(&mut calls, index) {
                        permit.succeeded(now);
                        model.succeed(call);
                    }
                }
                Step::Fail(index) => {
                    if let Some((permit, call)) = take(&mut calls, index) {
                        permit.failed(now);
                        model.fail(call, now);
                    }
                }
                Step::Cancel(index) => {
                    if let Some((permit, call)) = take(&mut calls, index) {
                        drop(permit);
                        model.cancel(call);
                    }
                }
                Step::Pass(time) => now += millis(time),
                Step::Force(state) => {
                    match state {
                        BreakerState::ForcedOpen => breaker.force_open(),
                        BreakerState::ForcedClosed => breaker.force_close(),
                        _ => breaker.reset(),
                    }
                    model.turn(state);
                }
                // A lower threshold forgets failures that it no longer needs, a
                // longer window finds none that have left: the model knows
                // what the breaker may forget only while these stay.
                Step::Configure(other) => {
                    let BreakerSettings { failure_threshold, window, .. } = model.settings;
                    model.settings = BreakerSettings { failure_threshold, window, ..other };
                    breaker.configure(model.settings);
                    model.close();
                }
            }
            prop_assert_eq!(breaker.state(now), model.state(now));
            let seen = breaker.statistics();
            let figures = (seen.successes, seen.failures, seen.rejected, seen.opened);
            prop_assert_eq!(figures, model.figures);
        }
    }
}
