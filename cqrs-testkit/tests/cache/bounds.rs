//! No more is kept than was allowed.

use std::time::Duration;

use cqrs_core::cache::{CacheOptions, Capacity, Eviction, QueryCache, Stamp, Terms};
use cqrs_testkit::ManualClock;

use crate::{ask, kept, key, now};

const ALL: [Eviction; 3] = [Eviction::Adaptive, Eviction::Recent, Eviction::Lru];

fn cache(eviction: Eviction, capacity: Capacity) -> QueryCache {
    QueryCache::new(CacheOptions::new().eviction(eviction).capacity(capacity))
}

#[tokio::test]
async fn a_hundred_thousand_keys_leave_a_hundred_answers() {
    for eviction in ALL {
        let (cache, clock) = (cache(eviction, Capacity::entries(100)), ManualClock::new());
        for id in 0..100_000 {
            ask(&cache, &clock, &key(id), Terms::new(), id).await;
        }
        assert_eq!(cache.len(), 100, "{eviction:?}");
        assert_eq!(cache.statistics().evictions, 99_900, "{eviction:?}");
        assert_eq!(cache.statistics().misses, 100_000, "{eviction:?}");
    }
}

#[tokio::test]
async fn every_capacity_is_kept_to() {
    for eviction in ALL {
        for most in [1, 2, 3, 31, 129, 300, 1_000, 1_001, 5_003] {
            let (cache, clock) = (cache(eviction, Capacity::entries(most)), ManualClock::new());
            for id in 0..(most as u64 * 3) {
                ask(&cache, &clock, &key(id), Terms::new(), id).await;
                assert!(cache.len() <= most, "{eviction:?} {most}");
            }
            assert!(cache.len() * 10 >= most * 9, "{eviction:?} {most} keeps {}", cache.len());
        }
    }
}

#[tokio::test]
async fn the_least_recently_used_answer_goes_first() {
    let (cache, clock) = (cache(Eviction::Lru, Capacity::entries(3)), ManualClock::new());
    for id in 1..=3 {
        ask(&cache, &clock, &key(id), Terms::new(), id).await;
    }

    assert_eq!(kept(&cache, 1, Stamp::ANY, now(&clock)), Some(1));
    ask(&cache, &clock, &key(4), Terms::new(), 4).await;

    let left = [1, 3, 4, 2].map(|id| kept(&cache, id, Stamp::ANY, now(&clock)));
    assert_eq!(left, [Some(1), Some(3), Some(4), None]);
}

#[tokio::test]
async fn a_scan_does_not_push_out_what_is_asked_for_often() {
    let (cache, clock) = (cache(Eviction::Adaptive, Capacity::entries(100)), ManualClock::new());
    for _ in 0..5 {
        for id in 0..50 {
            ask(&cache, &clock, &key(id), Terms::new(), id).await;
        }
    }

    for id in 1_000..3_000 {
        ask(&cache, &clock, &key(id), Terms::new(), id).await;
    }

    let left = (0..50).filter(|&id| kept(&cache, id, Stamp::ANY, now(&clock)).is_some()).count();
    assert!(left >= 45, "{left} of 50 are left");
}

#[tokio::test]
async fn weights_are_kept_to_and_what_is_too_heavy_is_not_kept() {
    for eviction in ALL {
        let weigh = |answer: &dyn std::any::Any| *answer.downcast_ref::<u64>().unwrap_or(&1);
        let (cache, clock) = (cache(eviction, Capacity::weight(1_000, weigh)), ManualClock::new());
        for id in 0..500 {
            ask(&cache, &clock, &key(id), Terms::new(), id % 90).await;
            assert!(cache.weight() <= 1_000, "{eviction:?}");
        }
        assert!(cache.len() > 5, "{eviction:?} keeps {}", cache.len());

        ask(&cache, &clock, &key(1_000), Terms::new(), 2_000).await;

        assert_eq!(kept(&cache, 1_000, Stamp::ANY, now(&clock)), None, "{eviction:?}");
        assert!(cache.weight() <= 1_000, "{eviction:?}");
        cache.clear();
        assert_eq!((cache.len(), cache.weight()), (0, 0), "{eviction:?}");
    }
}

#[tokio::test]
async fn an_answer_is_gone_after_ten_minutes() {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    ask(&cache, &clock, &key(7), Terms::new(), 1).await;

    clock.advance(Duration::from_secs(600) - Duration::from_nanos(1));
    assert_eq!(kept(&cache, 7, Stamp::ANY, now(&clock)), Some(1));
    clock.advance(Duration::from_nanos(1));

    assert_eq!(kept(&cache, 7, Stamp::ANY, now(&clock)), None);
    assert_eq!(cache.statistics().expirations, 1);
    assert_eq!(ask(&cache, &clock, &key(7), Terms::new(), 2).await, 2);
}

#[tokio::test]
async fn ten_thousand_answers_are_kept_unless_said_otherwise() {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    for id in 0..12_000 {
        ask(&cache, &clock, &key(id), Terms::new(), id).await;
    }
    assert!((9_900..=10_000).contains(&cache.len()), "{}", cache.len());
}

#[tokio::test]
async fn sweeping_gives_back_what_has_expired_or_was_voided() {
    for eviction in ALL {
        let (cache, clock) = (cache(eviction, Capacity::entries(10)), ManualClock::new());
        ask(&cache, &clock, &key(1), Terms::new().ttl(Duration::from_secs(1)), 1).await;
        ask(&cache, &clock, &key(2), Terms::new().parts(&["2"]), 2).await;
        ask(&cache, &clock, &key(3), Terms::new(), 3).await;
        clock.advance(Duration::from_secs(1));
        let tag = cqrs_core::cache::Tag::part("GetUser", &cqrs_core::TenantId::default(), "2");
        cache.invalidate(&tag);

        cache.sweep(now(&clock));

        assert_eq!((cache.len(), cache.weight()), (1, 1), "{eviction:?}");
        assert_eq!(kept(&cache, 3, Stamp::ANY, now(&clock)), Some(3));
    }
}

#[tokio::test]
async fn an_answer_is_kept_up_to_its_end_and_not_at_it() {
    let (cache, clock) = (cache(Eviction::Adaptive, Capacity::entries(10)), ManualClock::new());
    let (ten, least) = (Duration::from_secs(10), Duration::from_nanos(1));
    ask(&cache, &clock, &key(1), Terms::new().ttl(ten), 1).await;
    clock.advance(ten - least);
    assert_eq!(kept(&cache, 1, Stamp::ANY, now(&clock)), Some(1));
    clock.advance(least);
    assert_eq!(kept(&cache, 1, Stamp::ANY, now(&clock)), None);
}
