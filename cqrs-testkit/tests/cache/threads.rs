//! Threads that ask, write and void at once see everything whose invalidation
//! was over before they asked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use cqrs_core::TenantId;
use cqrs_core::cache::{CacheOptions, Capacity, Eviction, QueryCache, Tag, Terms};
use cqrs_testkit::ManualClock;

use crate::key;

const KEYS: u64 = 40;

/// What is in the read model, and up to where it is known to be voided.
#[derive(Default)]
struct Row {
    written: AtomicU64,
    voided: AtomicU64,
}

#[test]
fn nobody_sees_less_than_what_was_voided_before_its_call() {
    for eviction in [Eviction::Adaptive, Eviction::Lru] {
        // Fewer places than keys, so that answers are evicted all the time.
        let options = CacheOptions::new().eviction(eviction).capacity(Capacity::entries(30));
        let (cache, clock) = (QueryCache::new(options), ManualClock::new());
        let rows: Vec<Row> = (0..KEYS).map(|_| Row::default()).collect();
        thread::scope(|scope| {
            for worker in 0..4 {
                let (cache, clock, rows) = (&cache, &clock, &rows);
                scope.spawn(move || hammer(worker, cache, clock, rows));
            }
        });
        assert!(cache.len() <= 30);
        assert!(format!("{cache:?}").contains("under_way: 0"));
        assert!(cache.statistics().hits > 1_000, "{:?}", cache.statistics());
    }
}

fn hammer(worker: u64, cache: &QueryCache, clock: &ManualClock, rows: &[Row]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    for round in 0..20_000_u64 {
        let id = (round * 7 + worker * 13 + round / 11) % KEYS;
        let (row, part) = (&rows[id as usize], id.to_string());
        if round % 10 == worker {
            let written = row.written.fetch_add(1, Ordering::SeqCst) + 1;
            cache.invalidate(&Tag::part("GetUser", &TenantId::default(), &part));
            row.voided.fetch_max(written, Ordering::SeqCst);
        }
        let voided = row.voided.load(Ordering::SeqCst);
        let run = async {
            let seen = row.written.load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(seen)
        };
        let parts = [part.as_str()];
        let key = key(id);
        let asked = cache.get_or_run(&key, Terms::new().parts(&parts), clock, run);
        let Ok(seen) = runtime.block_on(asked);
        assert!(seen >= voided, "{seen} was answered behind {voided}");
    }
}
