//! A runtime that ends under a bus with work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqrs_core::event_bus::{AsyncBus, EventBus};
use cqrs_core::runtime::{BoxFuture, Services, Spawner, TaskHandle, TokioSpawner};

use super::{Log, settle, tick, writer};

/// Runs one task and drops all others at once, as a runtime does that ends.
struct Ending {
    sound: usize,
    spawned: AtomicUsize,
}

impl Spawner for Ending {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) -> TaskHandle {
        let number = self.spawned.fetch_add(1, Ordering::SeqCst);
        assert!(number < 1000, "a task that never waits starts tasks without end");
        if number == self.sound {
            return TokioSpawner.spawn(name, task);
        }
        drop(task);
        TaskHandle::new(|| {})
    }
}

/// A runtime waits for tasks that run; one that went on hiring would hold up
/// the end of the process for ever.
#[tokio::test]
async fn whoever_hires_workers_waits_in_between() {
    const WORKERS: usize = 2;
    // The task behind the first workers is the one that hires more.
    let spawner = Arc::new(Ending { sound: WORKERS, spawned: AtomicUsize::new(0) });
    let mut services = Services::default();
    services.spawner = Arc::clone(&spawner) as _;
    let bus = AsyncBus::builder().services(services).workers(WORKERS).build();
    bus.subscribe(writer("one", &Log::default()));
    bus.start().unwrap();

    bus.publish(tick("k", 1)).await.unwrap();
    settle().await;

    let spawned = spawner.spawned.load(Ordering::SeqCst);
    assert!(spawned > WORKERS + 1, "it tries again: {spawned}");
    assert!(spawned < 500, "others ran in between: {spawned}");
}
