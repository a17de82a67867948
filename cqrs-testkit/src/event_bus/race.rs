//! Many at once.

use std::collections::HashSet;
use std::sync::Arc;

use cqrs_core::event_bus::EventBus;

use super::bench::{Bench, Seen, writer};
use crate::conformance::{joined, spawn};

const TASKS: u64 = 8;
const EACH: u64 = 200;

async fn publish(task: u64, bench: Arc<Bench>, bus: Arc<dyn EventBus>) {
    for n in 0..EACH {
        let event = bench.event(&format!("key {task}"), task * EACH + n);
        bench.done("an event must be taken", bus.publish(event).await);
        tokio::task::yield_now().await;
    }
}

/// Half of the tasks subscribe and unsubscribe all the time. Who is always
/// there must miss nothing, and who comes and goes must get nothing twice.
pub(super) async fn subscribers_come_and_go_while_events_are_published(bench: Bench) {
    let (bus, bench, always) = (bench.bus(), Arc::new(bench), Seen::new());
    bus.subscribe(writer("always", &always));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        tasks.push(spawn(publish(task, Arc::clone(&bench), Arc::clone(&bus))));
        let (bench, bus) = (Arc::clone(&bench), Arc::clone(&bus));
        tasks.push(spawn(async move {
            for _ in 0..EACH {
                let seen = Seen::new();
                let subscription = bus.subscribe(writer("sometimes", &seen));
                tokio::task::yield_now().await;
                subscription.unsubscribe();
                let all = seen.all();
                let once: HashSet<_> = all.iter().copied().collect();
                bench.equal("nothing comes twice", all.len(), once.len());
            }
        }));
    }
    for task in tasks {
        joined(task).await;
    }
    bench.done("waiting must end", bus.wait().await);

    let mut all = always.all();
    all.sort_unstable();
    bench.equal("who is always there misses nothing", all, (0..TASKS * EACH).collect());
}

pub(super) async fn publishers_at_once_lose_nothing(bench: Bench) {
    let (bus, bench) = (bench.bus(), Arc::new(bench));
    let seen: Vec<_> = (0..4).map(|_| Seen::new()).collect();
    for one in &seen {
        bus.subscribe(writer("one", one).lanes(3));
    }

    let publish = |task| spawn(publish(task, Arc::clone(&bench), Arc::clone(&bus)));
    let tasks: Vec<_> = (0..TASKS).map(publish).collect();
    for task in tasks {
        joined(task).await;
    }
    bench.done("waiting must end", bus.wait().await);

    for one in seen {
        let all = one.all();
        for task in 0..TASKS {
            let of_task = |n: &u64| n / EACH == task;
            let own: Vec<_> = all.iter().copied().filter(of_task).collect();
            let expected = (task * EACH..(task + 1) * EACH).collect();
            bench.equal("each publisher's events arrive once and in order", own, expected);
        }
    }
}
