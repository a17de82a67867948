//! The machines under a scheduler that tries the orders in which threads can
//! meet.
//!
//! The library's own files are compiled once more here, with `sync` filled by
//! the scheduler's locks and atomics.

#![allow(dead_code, unreachable_pub, reason = "the files serve the library")]

#[path = "../src/resilience"]
mod resilience {
    mod sync {
        pub(super) use shuttle::sync::atomic::{AtomicU64, Ordering};
        pub(super) use shuttle::sync::{Mutex, MutexGuard};
    }

    pub(super) mod breaker;
    pub(super) mod budget;
    pub(super) mod bulkhead;
    mod places;
    pub(super) mod rate;
    mod window;
}

#[path = "resilience_schedules/breaker.rs"]
mod breaker;
#[path = "resilience_schedules/bulkhead.rs"]
mod bulkhead;
#[path = "resilience_schedules/limits.rs"]
mod limits;

use std::num::NonZeroU32;
use std::sync::Arc;

/// Schedules a test tries where there are too many to try all.
const SCHEDULES: usize = 3_000;

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("tests count from 1")
}

/// Runs threads to their ends and gives what each has found.
fn together<T: Send + Sync + 'static, R: Send + 'static, const N: usize>(
    shared: &Arc<T>,
    threads: [fn(&T) -> R; N],
) -> Vec<R> {
    let spawn = |thread: fn(&T) -> R| {
        let shared = Arc::clone(shared);
        shuttle::thread::spawn(move || thread(&shared))
    };
    let running: Vec<_> = threads.into_iter().map(spawn).collect();
    running.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
}
