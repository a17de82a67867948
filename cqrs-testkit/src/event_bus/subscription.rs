//! Subscribers come and go.

use std::sync::{Arc, Mutex};

use cqrs_core::event_bus::{Subscriber, Subscription};

use super::bench::{Bench, Numbered, Seen, writer};

pub(super) async fn who_unsubscribed_gets_nothing(bench: Bench) {
    let (bus, gone, there) = (bench.bus(), Seen::new(), Seen::new());
    let subscription = bus.subscribe(writer("gone", &gone));
    bus.subscribe(writer("there", &there));
    bench.publish(&bus, bench.event("a", 1)).await;

    subscription.unsubscribe();
    bench.publish(&bus, bench.event("a", 2)).await;

    bench.equal("nothing comes to who unsubscribed", gone.all(), vec![1]);
    bench.equal("and all to the others", there.all(), vec![1, 2]);
}

pub(super) async fn a_second_unsubscribe_does_nothing(bench: Bench) {
    let (bus, there) = (bench.bus(), Seen::new());
    let subscription = bus.subscribe(writer("gone", &Seen::new()));
    subscription.unsubscribe();
    bus.subscribe(writer("there", &there));

    subscription.clone().unsubscribe();
    bench.publish(&bus, bench.event("a", 2)).await;

    bench.equal("who came later is still there", there.all(), vec![2]);
}

pub(super) async fn a_dropped_subscription_goes_on(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());

    drop(bus.subscribe(writer("dropped", &seen)));
    bench.publish(&bus, bench.event("a", 1)).await;

    bench.equal("dropping the handle changes nothing", seen.all(), vec![1]);
}

pub(super) async fn a_late_subscriber_misses_what_was_before(bench: Bench) {
    let (bus, late) = (bench.bus(), Seen::new());
    bus.subscribe(writer("early", &Seen::new()));
    bench.publish(&bus, bench.event("a", 1)).await;

    bus.subscribe(writer("late", &late));
    bench.publish(&bus, bench.event("a", 2)).await;

    bench.equal("a subscriber gets what is published afterwards", late.all(), vec![2]);
}

pub(super) async fn a_handler_may_subscribe_another(bench: Bench) {
    let (bus, inner) = (bench.bus(), Seen::new());
    let (weak, seen) = (Arc::downgrade(&bus), inner.clone());
    bus.subscribe(Subscriber::on("outer", move |event: &Numbered, _| {
        if event.number == 1 {
            weak.upgrade().expect("the case holds the bus").subscribe(writer("inner", &seen));
        }
        Ok(())
    }));

    bench.publish(&bus, bench.event("a", 1)).await;
    bench.publish(&bus, bench.event("a", 2)).await;

    bench.equal("it gets what is published after it was added", inner.all(), vec![2]);
}

pub(super) async fn a_handler_may_unsubscribe_itself(bench: Bench) {
    let (bus, seen) = (bench.bus(), Seen::new());
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (held, numbers) = (Arc::clone(&own), seen.clone());
    let subscription = bus.subscribe(Subscriber::on("once", move |event: &Numbered, _| {
        numbers.add(event.number);
        let own = held.lock().expect("nothing panics under the lock").clone();
        own.expect("it was subscribed before").unsubscribe();
        Ok(())
    }));
    *own.lock().expect("nothing panics under the lock") = Some(subscription);

    bench.publish(&bus, bench.event("a", 1)).await;
    bench.publish(&bus, bench.event("a", 2)).await;

    bench.equal("it gets nothing more", seen.all(), vec![1]);
}
