//! Handlers that use the bus that runs them.

use std::sync::Arc;

use cqrs_core::event_bus::{HandlerError, PublishError};

use super::bench::{Bench, Seen, number, waiting};

pub(super) async fn a_handler_may_publish(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    let (weak, numbers) = (Arc::downgrade(&bus), seen.clone());
    let services = bench.services.clone();
    bus.subscribe(waiting("chain", move |event| {
        let (bus, seen, services) = (weak.clone(), numbers.clone(), services.clone());
        async move {
            let number = number(&event);
            seen.add(number);
            if number < 20 {
                let bus = bus
                    .upgrade()
                    .ok_or_else(|| HandlerError::permanent("the case holds the bus"))?;
                bus.publish(super::bench::of(&services, "a", number + 1)).await?;
            }
            Ok(())
        }
    }));

    bench.publish(&bus, bench.event("a", 0)).await;

    bench.equal("each event of the chain is handled", seen.all(), (0..=20).collect());
}

pub(super) async fn a_handler_that_waits_for_its_bus_gets_an_answer(bench: Bench) {
    let (bus, answers) = (bench.bus(), Seen::new());
    let (weak, told) = (Arc::downgrade(&bus), answers.clone());
    let services = bench.services.clone();
    bus.subscribe(waiting("nested", move |event| {
        let (bus, told, services) = (weak.clone(), told.clone(), services.clone());
        async move {
            if number(&event) == 0 {
                let bus = bus
                    .upgrade()
                    .ok_or_else(|| HandlerError::permanent("the case holds the bus"))?;
                let answer = bus.publish_and_wait(super::bench::of(&services, "a", 1)).await;
                told.add(matches!(answer, Ok(()) | Err(PublishError::Nested)));
            }
            Ok(())
        }
    }));

    bench.publish(&bus, bench.event("a", 0)).await;

    bench.equal("a nested wait is done or refused", answers.all(), vec![true]);
}

pub(super) async fn a_handler_that_waits_for_the_idle_bus_is_refused(bench: Bench) {
    let (bus, answers) = (bench.bus(), Seen::new());
    let (weak, told) = (Arc::downgrade(&bus), answers.clone());
    bus.subscribe(waiting("nested", move |_| {
        let (bus, told) = (weak.clone(), told.clone());
        async move {
            let bus =
                bus.upgrade().ok_or_else(|| HandlerError::permanent("the case holds the bus"))?;
            told.add(matches!(bus.wait().await, Err(PublishError::Nested)));
            Ok(())
        }
    }));

    bench.publish(&bus, bench.event("a", 0)).await;

    bench.equal("it would wait for itself", answers.all(), vec![true]);
}
