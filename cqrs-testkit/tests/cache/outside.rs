//! A cache outside of the process never fails a query, never keeps it waiting
//! for long, and never gives an answer that was voided.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::TenantId;
use cqrs_core::cache::{
    CacheBackend, CacheError, CacheOptions, CacheStatistics, QueryCache, Stamp, Tag, Terms,
    TieredCache, TieredOptions,
};
use cqrs_core::runtime::{BoxFuture, Services};
use cqrs_core::store::Position;
use cqrs_testkit::ManualClock;

use crate::key;

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Works,
    Fails,
    Hangs,
}

/// A backend in memory; clones share it.
#[derive(Clone)]
struct Fake {
    values: Arc<Mutex<HashMap<Vec<u8>, Bytes>>>,
    mood: Arc<Mutex<Mood>>,
    calls: Arc<AtomicU64>,
    /// How long the last answer is to be kept.
    ttl: Arc<Mutex<Option<Duration>>>,
}

impl Fake {
    fn new() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Works));
        Self { values: Arc::default(), mood, calls: Arc::default(), ttl: Arc::default() }
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The answers that lie there.
    fn answers(&self) -> Vec<Bytes> {
        let values = self.values.lock().unwrap();
        let answers = values.iter().filter(|(name, _)| name.starts_with(b"k:"));
        answers.map(|(_, value)| value.clone()).collect()
    }

    /// Changes what lies there under names that begin so.
    fn change(&self, kind: &[u8], change: impl Fn(&Bytes) -> Option<Bytes>) {
        let mut values = self.values.lock().unwrap();
        let names: Vec<_> = values.keys().filter(|name| name.starts_with(kind)).cloned().collect();
        assert!(!names.is_empty(), "something lies there");
        for name in names {
            match change(&values[&name]) {
                Some(value) => values.insert(name, value),
                None => values.remove(&name),
            };
        }
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&mut HashMap<Vec<u8>, Bytes>) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CacheError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let mood = *self.mood.lock().unwrap();
            match mood {
                Mood::Works => Ok(call(&mut self.values.lock().unwrap())),
                Mood::Fails => Err(CacheError::unavailable("it is away")),
                Mood::Hangs => std::future::pending().await,
            }
        })
    }
}

impl CacheBackend for Fake {
    fn get<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, CacheError>> {
        self.call(|values| keys.iter().map(|&key| values.get(key).cloned()).collect())
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        if key.starts_with(b"k:") {
            *self.ttl.lock().unwrap() = Some(ttl);
        }
        self.call(move |values| drop(values.insert(key.to_vec(), value)))
    }

    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        _ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.call(move |values| {
            values.entry(key.to_vec()).or_insert(value);
        })
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), CacheError>> {
        self.call(move |values| drop(values.remove(key)))
    }
}

struct Rig {
    fake: Fake,
    clock: ManualClock,
}

impl Rig {
    fn new() -> Self {
        Self { fake: Fake::new(), clock: ManualClock::new() }
    }

    /// One more process before the backend.
    fn process(&self) -> TieredCache {
        let mut services = Services::default();
        services.clock = Arc::new(self.clock.clone());
        let local = QueryCache::new(CacheOptions::new());
        TieredCache::new(local, self.fake.clone(), &services, TieredOptions::new())
    }

    /// What a process that has kept nothing yet answers: 99 if its query runs.
    async fn another_answers(&self) -> u64 {
        ask(&self.process(), Terms::new().parts(&["7"]), 99).await
    }
}

async fn ask(cache: &TieredCache, terms: Terms<'_>, answer: u64) -> u64 {
    let run = async { Ok::<_, std::convert::Infallible>(answer) };
    let Ok(answer) = cache.get_or_run(&key(7), terms, run).await;
    answer
}

fn part() -> Tag {
    Tag::part("GetUser", &TenantId::default(), "7")
}

fn outside(statistics: CacheStatistics) -> (u64, u64, u64) {
    (statistics.backend_hits, statistics.backend_errors, statistics.backend_broken)
}

#[tokio::test]
async fn what_one_process_has_kept_another_finds() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new(), 1).await;
    let other = rig.process();

    assert_eq!(ask(&other, Terms::new(), 2).await, 1);
    assert_eq!(ask(&other, Terms::new(), 3).await, 1);

    assert_eq!(outside(other.statistics()), (1, 0, 0));
    assert_eq!(other.statistics().hits, 1);
}

#[tokio::test]
async fn an_answer_ends_everywhere_when_its_time_has_passed() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new(), 1).await;
    let late = rig.process();
    rig.clock.advance(Duration::from_secs(599));
    assert_eq!(ask(&late, Terms::new(), 2).await, 1);

    rig.clock.advance(Duration::from_secs(1));

    assert_eq!(ask(&rig.process(), Terms::new().ttl(Duration::ZERO), 3).await, 3);
    assert_eq!(ask(&late, Terms::new(), 4).await, 4);
}

#[tokio::test]
async fn an_invalidation_reaches_what_other_processes_take_from_outside() {
    for tag in [Tag::all(), Tag::query("GetUser"), part()] {
        let rig = Rig::new();
        let first = rig.process();
        ask(&first, Terms::new().parts(&["7"]), 1).await;
        assert_eq!(rig.another_answers().await, 1);

        first.invalidate(&tag).await;

        assert_eq!(rig.another_answers().await, 99, "{tag:?}");
        assert_eq!(ask(&first, Terms::new().parts(&["7"]), 2).await, 99, "{tag:?}");
    }
}

#[tokio::test]
async fn an_invalidation_of_something_else_reaches_nothing() {
    let rig = Rig::new();
    let first = rig.process();
    ask(&first, Terms::new().parts(&["7"]), 1).await;
    first.invalidate(&Tag::part("GetUser", &TenantId::default(), "8")).await;
    assert_eq!(rig.another_answers().await, 1);
}

#[tokio::test]
async fn a_run_under_way_at_an_invalidation_by_another_process_is_of_no_use_outside() {
    let rig = Rig::new();
    let (first, second) = (rig.process(), rig.process());
    let run = async {
        second.invalidate(&part()).await;
        Ok::<_, std::convert::Infallible>(1)
    };
    let Ok(_) = first.get_or_run(&key(7), Terms::new().parts(&["7"]), run).await;
    assert_eq!(rig.another_answers().await, 99);
}

#[tokio::test]
async fn marks_that_were_forgotten_fit_no_answer() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new().parts(&["7"]), 1).await;
    rig.fake.change(b"m:", |_| None);
    assert_eq!(rig.another_answers().await, 99);
    assert_eq!(rig.another_answers().await, 99);
}

#[tokio::test]
async fn marks_that_are_no_numbers_are_made_anew() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new().parts(&["7"]), 1).await;
    rig.fake.change(b"m:", |_| Some("?".into()));
    assert_eq!(rig.another_answers().await, 99);
    assert_eq!(ask(&rig.process(), Terms::new().parts(&["7"]), 3).await, 99);
}

#[tokio::test]
async fn every_broken_entry_is_noticed_and_replaced() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new().parts(&["7"]), 99).await;
    let whole = rig.fake.answers().pop().expect("the answer lies there");
    let cut = (0..whole.len()).map(|end| whole.slice(..end));
    let changed = (0..whole.len()).map(|at| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x02;
        Bytes::from(bytes)
    });

    for broken in cut.chain(changed) {
        rig.fake.change(b"k:", |_| Some(broken.clone()));
        let process = rig.process();
        assert_eq!(ask(&process, Terms::new().parts(&["7"]), 98).await, 98, "{broken:?}");
        assert_eq!(outside(process.statistics()), (0, 0, 1), "{broken:?}");
        assert_eq!(ask(&rig.process(), Terms::new().parts(&["7"]), 97).await, 98, "{broken:?}");
    }
}

#[tokio::test]
async fn an_entry_of_another_type_is_no_answer() {
    let rig = Rig::new();
    let run = async { Ok::<_, std::convert::Infallible>(Some(1_u32)) };
    let Ok(_) = rig.process().get_or_run(&key(7), Terms::new(), run).await;
    let process = rig.process();
    assert_eq!(ask(&process, Terms::new(), 2).await, 2);
    assert_eq!(outside(process.statistics()), (0, 0, 1));
}

#[tokio::test]
async fn an_entry_that_reflects_too_little_is_no_answer() {
    let rig = Rig::new();
    let at = |position| Terms::new().stamp(Stamp::at_least(Position::new(position)));
    ask(&rig.process(), at(5), 5).await;
    assert_eq!(ask(&rig.process(), at(6), 6).await, 6);
    assert_eq!(ask(&rig.process(), at(6), 7).await, 6);
    assert_eq!(ask(&rig.process(), at(4), 8).await, 6);
}

#[tokio::test]
async fn an_outage_fails_no_query_and_is_tried_once_a_pause() {
    let rig = Rig::new();
    rig.fake.is(Mood::Fails);
    let process = rig.process();
    for answer in 1..=10 {
        assert_eq!(ask(&process, Terms::new().ttl(Duration::ZERO), answer).await, answer);
    }
    assert_eq!((rig.fake.calls(), outside(process.statistics())), (1, (0, 1, 0)));

    rig.clock.advance(Duration::from_secs(1));
    for answer in 1..=10 {
        assert_eq!(ask(&process, Terms::new().ttl(Duration::ZERO), answer).await, answer);
    }
    assert_eq!(rig.fake.calls(), 2);

    rig.fake.is(Mood::Works);
    rig.clock.advance(Duration::from_secs(1));
    ask(&process, Terms::new(), 11).await;
    assert_eq!(ask(&rig.process(), Terms::new(), 12).await, 11);
}

#[tokio::test]
async fn a_hang_keeps_a_query_waiting_for_its_limit_and_no_longer() {
    let rig = Rig::new();
    rig.fake.is(Mood::Hangs);
    let process = rig.process();
    let mut asked = Box::pin(ask(&process, Terms::new(), 1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    rig.clock.advance(Duration::from_millis(49));
    assert!(asked.as_mut().poll(&mut context).is_pending());
    rig.clock.advance(Duration::from_millis(49));
    assert!(asked.as_mut().poll(&mut context).is_pending());

    rig.clock.advance(Duration::from_millis(1));

    assert_eq!(asked.as_mut().poll(&mut context), std::task::Poll::Ready(1));
    drop(asked);
    assert_eq!(ask(&process, Terms::new().ttl(Duration::ZERO), 2).await, 1);
    assert_eq!(outside(process.statistics()), (0, 1, 0));
}

#[tokio::test]
async fn an_invalidation_in_an_outage_is_made_up_for() {
    let rig = Rig::new();
    let process = rig.process();
    ask(&process, Terms::new().parts(&["7"]), 1).await;
    rig.fake.is(Mood::Fails);
    process.invalidate(&part()).await;
    assert_eq!(ask(&process, Terms::new().parts(&["7"]), 2).await, 2);
    process.invalidate(&part()).await;

    rig.fake.is(Mood::Works);
    rig.clock.advance(Duration::from_secs(1));

    // The one that comes first makes up for it, whatever it asks for.
    assert_eq!(ask(&process, Terms::new().parts(&["7"]), 3).await, 3);
    assert_eq!(rig.another_answers().await, 3);
}

#[tokio::test]
async fn nothing_that_waits_for_its_invalidation_is_taken_from_outside() {
    let rig = Rig::new();
    let process = rig.process();
    ask(&process, Terms::new().parts(&["7"]), 1).await;
    rig.fake.is(Mood::Hangs);
    {
        let tag = part();
        let mut invalidation = Box::pin(process.invalidate(&tag));
        let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(invalidation.as_mut().poll(&mut waker).is_pending());
        rig.fake.is(Mood::Works);
        assert_eq!(ask(&process, Terms::new().parts(&["7"]), 2).await, 2);
    }
    // Dropped in the middle, it is made up for by whoever comes next.
    process.local().clear();
    ask(&process, Terms::new().parts(&["7"]), 3).await;
    assert_eq!(rig.another_answers().await, 3);
}

#[tokio::test]
async fn too_many_lost_invalidations_become_one_of_everything() {
    let rig = Rig::new();
    let process = rig.process();
    ask(&process, Terms::new().parts(&["7"]), 1).await;
    rig.fake.is(Mood::Fails);
    for id in 0..2_000 {
        let other = Tag::part("GetUser", &TenantId::default(), &format!("other {id}"));
        process.invalidate(&other).await;
    }
    rig.fake.is(Mood::Works);
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&process, Terms::new().parts(&["7"]), 2).await, 2);
}

#[tokio::test]
async fn an_answer_from_outside_is_kept_here_no_longer_than_its_taker_says() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new(), 1).await;
    let other = rig.process();
    let terms = Terms::new().ttl(Duration::from_secs(2));
    assert_eq!(ask(&other, terms, 2).await, 1);
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(ask(&other, terms, 3).await, 1);
    assert_eq!(other.statistics().backend_hits, 2, "it was looked for outside again");
}

#[tokio::test]
async fn an_answer_from_outside_serves_whoever_asks_for_what_it_reflects() {
    let rig = Rig::new();
    let at = |position| Terms::new().stamp(Stamp::at_least(Position::new(position)));
    ask(&rig.process(), at(5), 1).await;
    let other = rig.process();
    assert_eq!(ask(&other, Terms::new(), 2).await, 1);
    assert_eq!(ask(&other, at(5), 3).await, 1);
    assert_eq!(outside(other.statistics()), (1, 0, 0), "the second found it here");
    assert_eq!(ask(&other, at(6), 4).await, 4);
}

#[tokio::test]
async fn an_entry_of_another_format_is_no_answer_and_stays_until_it_is_replaced() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new(), 1).await;
    let newer = |bytes: &Bytes| {
        let text = String::from_utf8(bytes[16..].to_vec()).expect("it is JSON");
        let text = text.replace("\"format\":1", "\"format\":2");
        Some(Bytes::from(format!("{:016x}{text}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))))
    };
    rig.fake.change(b"k:", newer);
    let process = rig.process();
    let fails = async { Err::<u64, _>("it fails") };
    process.get_or_run(&key(7), Terms::new(), fails).await.expect_err("nothing is found");
    assert_eq!(rig.fake.answers().len(), 1, "another build finds it");
    assert_eq!(ask(&process, Terms::new(), 2).await, 2);
    assert_eq!(outside(process.statistics()), (0, 0, 2));
}

#[tokio::test]
async fn a_broken_entry_is_removed_even_if_nothing_takes_its_place() {
    let rig = Rig::new();
    ask(&rig.process(), Terms::new(), 1).await;
    rig.fake.change(b"k:", |bytes| Some(bytes.slice(1..)));
    let fails = async { Err::<u64, _>("it fails") };
    rig.process().get_or_run(&key(7), Terms::new(), fails).await.expect_err("nothing is found");
    assert!(rig.fake.answers().is_empty(), "it is gone");
}

#[tokio::test]
async fn an_answer_lies_outside_for_what_its_query_has_left_of_its_time() {
    let ten = Duration::from_secs(10);
    for (takes, left) in [(3, Some(Duration::from_secs(7))), (10, None), (11, None)] {
        let rig = Rig::new();
        let clock = rig.clock.clone();
        let run = async move {
            clock.advance(Duration::from_secs(takes));
            Ok::<_, std::convert::Infallible>(1)
        };
        let Ok(answer) = rig.process().get_or_run(&key(7), Terms::new().ttl(ten), run).await;
        assert_eq!(answer, 1);
        assert_eq!(*rig.fake.ttl.lock().unwrap(), left, "it took {takes} s");
    }
}
