//! Events of a key come one by one, in the order in which they were published.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqrs_core::event_bus::{Order, Subscriber};

use super::bench::{Bench, Seen, waiting, writer};

/// A handler that yields in between, so that others could overtake it.
fn dawdling(seen: &Seen<(String, u64)>) -> Subscriber {
    let seen = seen.clone();
    waiting("dawdling", move |event| {
        let seen = seen.clone();
        async move {
            let number = super::bench::number(&event);
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            seen.add((event.key().to_owned(), number));
            Ok(())
        }
    })
}

fn out_of_order(seen: &[(String, u64)]) -> usize {
    let mut last = HashMap::new();
    let late = |(key, number): &&(String, u64)| {
        let before = last.insert(key.clone(), *number);
        before.is_some_and(|before| before >= *number)
    };
    seen.iter().filter(late).count()
}

pub(super) async fn events_of_a_key_arrive_in_order(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(dawdling(&seen).lanes(8));

    for number in 0..2000 {
        let event = bench.event(&format!("key {}", number % 13), number);
        bench.done("an event must be taken", bus.publish(event).await);
    }
    bench.done("waiting must end", bus.wait().await);

    bench.equal("every event arrives", seen.len(), 2000);
    bench.equal("no event of a key is late", out_of_order(&seen.all()), 0);
}

pub(super) async fn a_batch_arrives_in_order(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(dawdling(&seen).lanes(8));

    for batch in 0..200_u64 {
        let number = |n| batch * 20 + n;
        let events = (0..20).map(|n| bench.event(&format!("key {}", n % 7), number(n)));
        bench.done("a batch must be taken", bus.publish_batch(events.collect()).await);
    }

    bench.equal("every event of a batch is handled when it returns", seen.len(), 4000);
    bench.equal("no event of a key is late", out_of_order(&seen.all()), 0);
}

pub(super) async fn a_subscriber_in_total_order_gets_all_in_order(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(writer("total", &seen).order(Order::Total));

    for number in 0..1000 {
        let event = bench.event(&format!("key {}", number % 13), number);
        bench.done("an event must be taken", bus.publish(event).await);
    }
    bench.done("waiting must end", bus.wait().await);

    bench.equal("all arrive in order", seen.all(), (0..1000).collect());
}

pub(super) async fn one_event_of_a_key_is_handled_at_a_time(bench: Bench) {
    let (bus, most) = (bench.bus(), Arc::new(AtomicUsize::new(0)));
    let running = Arc::new(AtomicUsize::new(0));
    let highest = Arc::clone(&most);
    bus.subscribe(waiting("one", move |_| {
        let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
        async move {
            highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    }));

    for number in 0..500 {
        bench.done("an event must be taken", bus.publish(bench.event("one", number)).await);
    }
    bench.done("waiting must end", bus.wait().await);

    bench.equal("one of a key runs at a time", most.load(Ordering::SeqCst), 1);
}
