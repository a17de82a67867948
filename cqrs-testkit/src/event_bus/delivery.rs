//! Who gets an event, and what it tells.

use cqrs_core::event_bus::{BusEvent, Handler, Interest, PublishError, Subscriber};

use super::bench::{Bench, NAMES, Numbered, Seen, writer};

pub(super) async fn every_subscriber_gets_the_event(bench: Bench) {
    let (bus, first, second) = (bench.bus(), Seen::new(), Seen::new());
    bus.subscribe(writer("first", &first));
    bus.subscribe(writer("second", &second));

    bench.publish(&bus, bench.event("a", 7)).await;

    bench.equal(
        "each subscriber gets an event once",
        (first.all(), second.all()),
        (vec![7], vec![7]),
    );
}

/// Publishes one event of each type and returns what an interest has brought.
async fn brought(bench: &Bench, interest: Interest) -> Vec<String> {
    let (bus, seen) = (bench.bus(), Seen::new());
    let names = seen.clone();
    let handler = Handler::new(move |event: &BusEvent| {
        names.add(event.event_type().to_owned());
        Ok(())
    });
    bus.subscribe(Subscriber::new("some", interest, handler));
    for name in 0..NAMES.len() {
        bench.publish(&bus, bench.named(name, "a", 0)).await;
    }
    seen.all()
}

pub(super) async fn a_subscriber_gets_exactly_the_types_it_named(bench: Bench) {
    let four = [NAMES[0], NAMES[1], NAMES[3], NAMES[4]];
    let seen = brought(&bench, Interest::types(four)).await;
    bench.equal("exactly the named types arrive", seen, four.map(str::to_owned).to_vec());
}

pub(super) async fn a_topic_brings_what_it_stands_for(bench: Bench) {
    for (topic, expected) in [
        ("order.*", vec![0, 1, 5]),
        ("order.**", vec![0, 1, 2, 5]),
        ("*", vec![4]),
        ("**", vec![0, 1, 2, 3, 4, 5]),
    ] {
        let interest = bench.done("it is a topic", Interest::topic(topic));
        let expected: Vec<_> = expected.into_iter().map(|n: usize| NAMES[n].to_owned()).collect();
        bench.equal(
            "exactly what fits the topic arrives",
            brought(&bench, interest).await,
            expected,
        );
    }
}

pub(super) async fn a_typed_handler_gets_the_published_value(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    let values = seen.clone();
    bus.subscribe(Subscriber::on("typed", move |event: &Numbered, _| {
        values.add(event.clone());
        Ok(())
    }));

    bench.publish(&bus, bench.named(3, "a", 9)).await;

    bench.equal("the value arrives", seen.all(), vec![Numbered { name: 3, number: 9 }]);
}

pub(super) async fn a_stored_event_is_decoded_for_a_typed_handler(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(writer("typed", &seen));

    bench.publish(&bus, bench.stored("a", 11)).await;
    let damaged = bus.publish_and_wait(bench.stored_with("a", b"no number".to_vec())).await;

    bench.equal("a stored event arrives decoded", seen.all(), vec![11]);
    let failed = matches!(damaged, Err(PublishError::Handlers(_)));
    bench.holds("a stored event that cannot be read is a failure", failed);
}

pub(super) async fn an_event_tells_its_key_id_and_time(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    let told = seen.clone();
    bus.subscribe(Subscriber::on("typed", move |_: &Numbered, envelope| {
        told.add((envelope.key().to_owned(), envelope.id(), envelope.time()));
        Ok(())
    }));
    let (own, stored) = (bench.event("own", 1), bench.stored("stored", 2));
    let expected = [&own, &stored].map(|one| (one.key().to_owned(), one.id(), one.time()));

    bench.publish(&bus, own).await;
    bench.publish(&bus, stored).await;

    bench.equal("the envelope arrives as it was published", seen.all(), expected.to_vec());
}

pub(super) async fn an_event_that_nobody_wants_passes(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    bus.subscribe(Subscriber::new(
        "other",
        Interest::types([NAMES[1]]),
        super::bench::writing(&seen),
    ));

    let published = bus.publish(bench.event("a", 1)).await;
    let waited = bus.publish_and_wait(bench.event("a", 1)).await;

    bench.done("an event that nobody wants is no error", published.and(waited));
    bench.equal("and comes to nobody", seen.len(), 0);
}

pub(super) async fn a_strict_bus_refuses_what_nobody_wants(bench: Bench) {
    let (bus, seen) = (bench.strict_bus(), Seen::new());
    let interest = Interest::types([NAMES[1]]);
    bus.subscribe(Subscriber::new("other", interest, super::bench::writing(&seen)));

    let refused = bus.publish(bench.event("a", 1)).await;
    bench.publish(&bus, bench.named(1, "a", 2)).await;

    let named = matches!(&refused, Err(PublishError::NoSubscriber { event_type }) if **event_type == *NAMES[0]);
    bench.holds("a strict bus names the type that nobody wants", named);
    bench.equal("and brings the others", seen.all(), vec![2]);
}
