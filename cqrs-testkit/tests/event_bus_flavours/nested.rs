//! Handlers that publish themselves.

use std::sync::Arc;

use cqrs_core::event_bus::{EventBus, PublishError};

use super::{Log, add, all, queued, tick, waiting, writer};

#[tokio::test]
async fn a_batch_of_a_handler_for_its_own_bus_is_refused_whole() {
    let (builder, _) = queued();
    let (bus, answers) = (Arc::new(builder.build()), Log::default());
    let (weak, told) = (Arc::downgrade(&bus), Log::clone(&answers));
    bus.subscribe(waiting("own", move |_| {
        let (bus, told) = (weak.clone(), Log::clone(&told));
        async move {
            let bus = bus.upgrade().expect("the test holds the bus");
            let error = bus.publish_batch(vec![tick("k", 1), tick("k", 2)]).await.unwrap_err();
            let nested = error.iter().filter(|(_, one)| matches!(one, PublishError::Nested));
            add(&told, nested.count());
            Ok(())
        }
    }));
    bus.start().unwrap();

    bus.publish_and_wait(tick("k", 0)).await.unwrap();

    assert_eq!(all(&answers), [2]);
}

#[tokio::test]
async fn a_handler_may_wait_for_another_bus() {
    let (bus, other, log) = (queued().0.build(), Arc::new(queued().0.build()), Log::default());
    other.subscribe(writer("one", &log));
    other.start().unwrap();
    bus.subscribe(waiting("handing on", move |n| {
        let other = Arc::clone(&other);
        async move {
            other.publish_and_wait(tick("k", n)).await?;
            Ok(other.wait().await?)
        }
    }));
    bus.start().unwrap();

    bus.publish_and_wait(tick("k", 7)).await.unwrap();

    assert_eq!(all(&log), [7]);
}
