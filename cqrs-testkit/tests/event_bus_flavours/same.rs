//! One test, on the synchronous bus and on the one with queues and a wait.

use std::sync::Arc;

use cqrs_core::event_bus::{AsyncBus, EventBus, Subscriber, SyncBus};

use super::{Log, Tick, add, all, tick, writer};

/// Two subscribers, and what they have seen once all is handled.
async fn sums(bus: Arc<dyn EventBus>) -> (Vec<u64>, u64) {
    let (doubles, total) = (Log::default(), Log::default());
    bus.subscribe(writer("total", &total));
    let own = Log::clone(&doubles);
    bus.subscribe(Subscriber::on("doubles", move |Tick::Made { n }: &Tick, _| {
        add(&own, n * 2);
        Ok(())
    }));
    bus.start().unwrap();

    for n in 0..10 {
        bus.publish(tick("k", n)).await.unwrap();
    }
    bus.wait().await.unwrap();

    (all(&doubles), all(&total).into_iter().sum())
}

#[test]
fn a_test_passes_on_both_flavours_a_thousand_times() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(4).build().unwrap();
    let expected = ((0..10).map(|n| n * 2).collect::<Vec<_>>(), 45);
    for _ in 0..1000 {
        runtime.block_on(async {
            assert_eq!(sums(Arc::new(SyncBus::builder().build())).await, expected);
            let queued = AsyncBus::builder().workers(4).build();
            assert_eq!(sums(Arc::new(queued)).await, expected);
        });
    }
}
