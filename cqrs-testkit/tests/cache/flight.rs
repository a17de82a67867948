//! Many callers of one missing answer run its query once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cqrs_core::cache::{CacheKey, CacheOptions, QueryCache, Stamp, Tag, Terms};
use cqrs_core::store::Position;
use cqrs_testkit::ManualClock;
use tokio::sync::Notify;

use crate::{ask, kept, key, now};

type Asking = Pin<Box<dyn Future<Output = Result<u64, &'static str>> + Send>>;

/// A cache, and a query that ends when the test says so.
struct Rig {
    cache: QueryCache,
    clock: ManualClock,
    runs: Arc<AtomicU64>,
    go_on: Arc<Notify>,
}

impl Rig {
    fn new() -> Self {
        Self {
            cache: QueryCache::new(CacheOptions::new()),
            clock: ManualClock::new(),
            runs: Arc::default(),
            go_on: Arc::default(),
        }
    }

    /// A caller whose run, when it is the one to run, waits and ends so.
    fn caller(&self, ends: Result<u64, &'static str>) -> Asking {
        self.caller_with(Stamp::ANY, ends)
    }

    fn caller_with(&self, stamp: Stamp, ends: Result<u64, &'static str>) -> Asking {
        let (cache, clock, key) = (self.cache.clone(), self.clock.clone(), key(7));
        let (runs, go_on) = (Arc::clone(&self.runs), Arc::clone(&self.go_on));
        Box::pin(async move {
            let run = async move {
                runs.fetch_add(1, Ordering::Relaxed);
                go_on.notified().await;
                assert_ne!(ends, Err("panic"), "a planted panic");
                ends
            };
            cache.get_or_run(&key, Terms::new().stamp(stamp).parts(&["7"]), &clock, run).await
        })
    }

    fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }
}

fn poll(asking: &mut Asking) -> Option<Result<u64, &'static str>> {
    match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Some(ended),
        Poll::Pending => None,
    }
}

fn at(position: u64) -> Stamp {
    Stamp::at_least(Position::new(position))
}

#[test]
fn a_hundred_callers_run_the_query_once() {
    let rig = Rig::new();
    let mut callers: Vec<_> = (0..100).map(|answer| rig.caller(Ok(answer))).collect();
    assert!(callers.iter_mut().all(|caller| poll(caller).is_none()));

    rig.go_on.notify_one();
    let answers: Vec<_> = callers.iter_mut().map(poll).collect();

    assert_eq!(answers, vec![Some(Ok(0)); 100]);
    assert_eq!(rig.runs(), 1);
    let statistics = rig.cache.statistics();
    assert_eq!((statistics.misses, statistics.shared_runs, statistics.hits), (1, 99, 0));
    assert!(format!("{:?}", rig.cache).contains("under_way: 0"));
}

#[test]
fn when_a_run_fails_one_of_those_who_wait_runs_the_query() {
    let rig = Rig::new();
    let (mut first, mut second, mut third) =
        (rig.caller(Err("broken")), rig.caller(Ok(2)), rig.caller(Ok(3)));
    assert!([&mut first, &mut second, &mut third].map(poll) == [None; 3]);

    rig.go_on.notify_one();
    assert_eq!(poll(&mut first), Some(Err("broken")));
    assert_eq!(poll(&mut second), None);
    rig.go_on.notify_one();

    assert_eq!([poll(&mut second), poll(&mut third)], [Some(Ok(2)), Some(Ok(2))]);
    assert_eq!(rig.runs(), 2);
}

#[test]
fn an_error_is_never_kept() {
    let rig = Rig::new();
    let mut first = rig.caller(Err("broken"));
    rig.go_on.notify_one();
    assert_eq!(poll(&mut first), Some(Err("broken")));

    let mut second = rig.caller(Ok(2));
    rig.go_on.notify_one();
    assert_eq!(poll(&mut second), Some(Ok(2)));
    assert_eq!(rig.runs(), 2);
}

#[test]
fn when_a_run_panics_one_of_those_who_wait_runs_the_query() {
    let rig = Rig::new();
    let (mut first, mut second) = (rig.caller(Err("panic")), rig.caller(Ok(2)));
    assert_eq!([poll(&mut first), poll(&mut second)], [None, None]);

    rig.go_on.notify_one();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut first)));
    assert!(panicked.is_err());
    assert_eq!(poll(&mut second), None);
    rig.go_on.notify_one();

    assert_eq!(poll(&mut second), Some(Ok(2)));
}

#[test]
fn when_a_caller_goes_away_one_of_those_who_wait_runs_the_query() {
    let rig = Rig::new();
    let (mut first, mut second, mut third) =
        (rig.caller(Ok(1)), rig.caller(Ok(2)), rig.caller(Ok(3)));
    assert!([&mut first, &mut second, &mut third].map(poll) == [None; 3]);

    drop(first);
    drop(second);
    assert_eq!(poll(&mut third), None);
    rig.go_on.notify_one();

    assert_eq!(poll(&mut third), Some(Ok(3)));
    assert_eq!(rig.runs(), 2);
}

#[test]
fn callers_who_all_go_away_leave_nothing() {
    let rig = Rig::new();
    let mut callers: Vec<_> = (0..10).map(|answer| rig.caller(Ok(answer))).collect();
    assert!(callers.iter_mut().all(|caller| poll(caller).is_none()));
    drop(callers);
    assert!(format!("{:?}", rig.cache).contains("len: 0, under_way: 0"));
}

#[test]
fn a_run_that_was_under_way_at_an_invalidation_is_not_kept() {
    let rig = Rig::new();
    let mut before = rig.caller(Ok(1));
    assert_eq!(poll(&mut before), None);

    rig.cache.invalidate(&Tag::part("GetUser", &cqrs_core::TenantId::default(), "7"));
    rig.go_on.notify_one();

    assert_eq!(poll(&mut before), Some(Ok(1)));
    assert!(rig.cache.is_empty());
    assert_eq!(kept(&rig.cache, 7, Stamp::ANY, now(&rig.clock)), None);
    assert_eq!(rig.cache.statistics().invalidations, 1);
}

#[test]
fn a_caller_behind_an_invalidation_does_not_share_a_run_from_before() {
    let rig = Rig::new();
    let mut before = rig.caller(Ok(1));
    assert_eq!(poll(&mut before), None);

    rig.cache.invalidate(&Tag::query("GetUser"));
    let mut behind = rig.caller(Ok(2));
    assert_eq!(poll(&mut behind), None);
    assert_eq!(rig.runs(), 2);
    rig.go_on.notify_waiters();

    assert_eq!(poll(&mut behind), Some(Ok(2)));
    assert_eq!(poll(&mut before), Some(Ok(1)));
    assert_eq!(kept(&rig.cache, 7, Stamp::ANY, now(&rig.clock)), Some(2));
}

#[test]
fn a_run_for_an_older_stamp_is_not_shared() {
    let rig = Rig::new();
    let (mut old, mut new) = (rig.caller_with(at(4), Ok(4)), rig.caller_with(at(5), Ok(5)));
    assert_eq!([poll(&mut old), poll(&mut new)], [None, None]);
    assert_eq!(rig.runs(), 2);

    rig.go_on.notify_waiters();

    assert_eq!([poll(&mut old), poll(&mut new)], [Some(Ok(4)), Some(Ok(5))]);
    assert_eq!(kept(&rig.cache, 7, at(5), now(&rig.clock)), Some(5));
}

#[test]
fn whoever_takes_over_for_less_does_not_answer_those_who_asked_for_more() {
    let rig = Rig::new();
    let mut leader = rig.caller_with(at(5), Err("broken"));
    let (mut less, mut more) = (rig.caller_with(at(3), Ok(3)), rig.caller_with(at(5), Ok(5)));
    assert!([&mut leader, &mut less, &mut more].map(poll) == [None; 3]);

    rig.go_on.notify_one();
    assert_eq!(poll(&mut leader), Some(Err("broken")));
    assert_eq!(poll(&mut less), None);
    rig.go_on.notify_one();
    assert_eq!(poll(&mut less), Some(Ok(3)));
    assert_eq!(poll(&mut more), None);
    rig.go_on.notify_one();

    assert_eq!(poll(&mut more), Some(Ok(5)));
}

#[tokio::test]
async fn a_stamp_decides_whether_a_kept_answer_will_do() {
    let rig = Rig::new();
    ask(&rig.cache, &rig.clock, &key(7), Terms::new().stamp(at(5)), 5).await;
    let exactly = |position| Stamp::exactly(Position::new(position));
    let found = [Stamp::ANY, at(4), at(5), at(6), exactly(4), exactly(5)]
        .map(|stamp| kept(&rig.cache, 7, stamp, now(&rig.clock)).is_some());
    assert_eq!(found, [true, true, true, false, false, true]);
}

#[tokio::test]
async fn a_time_to_live_of_zero_shares_runs_and_keeps_nothing() {
    let rig = Rig::new();
    let terms = Terms::new().ttl(Duration::ZERO);
    assert_eq!(ask(&rig.cache, &rig.clock, &key(7), terms, 1).await, 1);
    assert_eq!(ask(&rig.cache, &rig.clock, &key(7), terms, 2).await, 2);
    assert!(rig.cache.is_empty());
}

#[tokio::test]
async fn an_answer_of_another_type_is_not_mistaken() {
    let rig = Rig::new();
    ask(&rig.cache, &rig.clock, &key(7), Terms::new(), 1).await;
    let run = async { Ok::<_, &str>("text".to_owned()) };
    let key: CacheKey = key(7);
    let answer = rig.cache.get_or_run(&key, Terms::new(), &rig.clock, run).await;
    assert_eq!(answer, Ok("text".to_owned()));
}
