//! Handlers that fail are apart from those that do not.

use cqrs_core::event_bus::{
    BusEvent, DeliveryError, HandlerError, HandlerResult, PublishError, Subscriber,
};

use super::bench::{Bench, Impostor, Numbered, Seen, waiting, writer};

fn failing(name: &'static str, seen: &Seen<u64>) -> Subscriber {
    let seen = seen.clone();
    Subscriber::on(name, move |event: &Numbered, _| {
        seen.add(event.number);
        Err(HandlerError::permanent("it cannot be done"))
    })
}

/// Publishes one event to three subscribers, of which the middle one fails by
/// some handler, and looks who has run.
async fn apart(bench: &Bench, middle: Subscriber) {
    let (bus, first, last) = (bench.bus(), Seen::new(), Seen::new());
    bus.subscribe(writer("first", &first));
    bus.subscribe(middle);
    bus.subscribe(writer("last", &last));

    let answer = bus.publish_and_wait(bench.event("a", 5)).await;

    let Err(PublishError::Handlers(failures)) = answer else {
        panic!("failure: a failure must be returned to who waits, not {answer:?}")
    };
    let names: Vec<_> = failures.iter().map(|failure| failure.subscriber.to_string()).collect();
    bench.equal("who failed is named, and nobody else", names, vec!["middle".to_owned()]);
    bench.equal("the others have run", (first.all(), last.all()), (vec![5], vec![5]));
}

pub(super) async fn a_failing_handler_stops_no_other(bench: Bench) {
    apart(&bench, failing("middle", &Seen::new())).await;
    let waits = |_| async {
        tokio::task::yield_now().await;
        HandlerResult::Err(HandlerError::permanent("it cannot be done"))
    };
    apart(&bench, waiting("middle", waits)).await;
}

pub(super) async fn a_panicking_handler_stops_no_other(bench: Bench) {
    apart(&bench, Subscriber::on("middle", |_: &Numbered, _| panic!("no handler"))).await;
    let waits = |_| async {
        tokio::task::yield_now().await;
        panic!("no handler")
    };
    apart(&bench, waiting("middle", waits)).await;
}

pub(super) async fn every_failure_is_returned_to_who_waits(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(failing("first", &seen));
    bus.subscribe(Subscriber::on("second", |_: &Numbered, _| panic!("no handler")));
    let event = bench.event("a", 5);

    let answer = bus.publish_and_wait(event.clone()).await;

    let Err(PublishError::Handlers(failures)) = answer else {
        panic!("failure: failures must be returned to who waits, not {answer:?}")
    };
    let mut found: Vec<_> = failures
        .iter()
        .map(|one| {
            let panicked = matches!(*one.error, DeliveryError::Panicked { .. });
            (one.subscriber.to_string(), panicked, one.event.id())
        })
        .collect();
    found.sort();
    let expected =
        vec![("first".to_owned(), false, event.id()), ("second".to_owned(), true, event.id())];
    bench.equal("each failure tells who, why and of what", found, expected);
}

pub(super) async fn a_batch_names_the_events_that_failed(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    let handled = seen.clone();
    bus.subscribe(Subscriber::on("picky", move |event: &Numbered, _| {
        if [2, 3, 7].contains(&event.number) {
            return Err(HandlerError::permanent("not this one"));
        }
        handled.add(event.number);
        Ok(())
    }));

    let answer = bus.publish_batch((0..10).map(|n| bench.event("a", n)).collect()).await;

    let indexes = answer.err().map(|error| error.indexes());
    bench.equal("the places of what failed are named", indexes, Some(vec![2, 3, 7]));
    bench.equal("the others are handled", seen.all(), vec![0, 1, 4, 5, 6, 8, 9]);
}

pub(super) async fn a_value_of_another_type_is_a_failure(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(writer("typed", &seen));

    let answer = bus.publish_and_wait(BusEvent::of(&bench.services, "a", Impostor)).await;

    let told = matches!(&answer, Err(PublishError::Handlers(failures))
        if failures.iter().all(|one| matches!(*one.error, DeliveryError::OtherType { .. })));
    bench.holds("a value of another type is told as such", told);
    bench.equal("and handled by nobody", seen.len(), 0);
}

pub(super) async fn failures_are_counted_once_and_a_hundred_kept(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(failing("failing", &seen));

    for number in 0..1000 {
        // Whether it is told here depends on the flavour.
        let _ = bus.publish(bench.event("a", number)).await;
    }
    bench.done("waiting must end", bus.wait().await);

    let errors = bus.errors();
    bench.equal("every event came", seen.len(), 1000);
    bench.equal("every failure is counted once", errors.counts().total, 1000);
    bench.equal("those that were not kept are counted", errors.counts().lost, 900);
    let kept: Vec<_> = errors.take().iter().map(|one| super::bench::number(&one.event)).collect();
    bench.equal("the last hundred are kept", kept, (900..1000).collect());
}
