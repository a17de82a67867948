//! Handlers in the call, one after the other.

use std::time::Duration;

use cqrs_core::event_bus::{
    EventBus, Failure, HandlerError, Keep, PublishError, Subscriber, SyncBus,
};

use super::{Log, Tick, add, all, tick, waiting, writer};

fn named(name: &'static str, log: &Log<&'static str>) -> Subscriber {
    let log = Log::clone(log);
    Subscriber::on(name, move |_: &Tick, _| {
        add(&log, name);
        Ok(())
    })
}

#[tokio::test]
async fn handlers_run_by_priority_and_then_in_the_order_of_subscription() {
    let (bus, log) = (SyncBus::builder().build(), Log::default());
    for (name, priority) in [("c", 0), ("a", 9), ("e", -1), ("d", 0), ("b", 9)] {
        bus.subscribe(named(name, &log).priority(priority));
    }

    bus.publish(tick("k", 1)).await.unwrap();

    assert_eq!(all(&log), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_handler_that_waits_keeps_its_place_among_the_others() {
    let (bus, log) = (SyncBus::builder().build(), Log::default());
    bus.subscribe(named("first", &log));
    let own = Log::clone(&log);
    bus.subscribe(waiting("second", move |_| {
        let log = Log::clone(&own);
        async move {
            tokio::task::yield_now().await;
            add(&log, "second");
            Ok(())
        }
    }));
    bus.subscribe(named("third", &log));

    bus.publish(tick("k", 1)).await.unwrap();

    assert_eq!(all(&log), ["first", "second", "third"]);
}

#[tokio::test]
async fn publish_returns_the_first_error_and_asks_no_later_subscriber() {
    let (bus, log) = (SyncBus::builder().build(), Log::default());
    bus.subscribe(named("first", &log));
    bus.subscribe(Subscriber::on("second", |_: &Tick, _| Err(HandlerError::permanent("no"))));
    bus.subscribe(named("third", &log));

    let error = bus.publish(tick("k", 1)).await.unwrap_err();

    let PublishError::Handlers(failures) = &error else { panic!("{error}") };
    assert_eq!(failures.iter().map(|one| &*one.subscriber).collect::<Vec<_>>(), ["second"]);
    assert_eq!(all(&log), ["first"]);
}

#[tokio::test]
async fn the_hook_sees_each_failure_once_and_the_first_are_kept_if_that_is_said() {
    let hooked = Log::<(u64, String)>::default();
    let own = Log::clone(&hooked);
    let hook = move |failure: &Failure| {
        add(&own, (super::number(&failure.event), failure.error.to_string()));
        panic!("a hook that panics changes nothing");
    };
    let bus = SyncBus::builder().keep_errors(2, Keep::First).on_error(hook).build();
    bus.subscribe(Subscriber::on("failing", |_: &Tick, _| Err(HandlerError::permanent("no"))));

    for n in 0..5 {
        bus.publish(tick("k", n)).await.unwrap_err();
    }

    assert_eq!(all(&hooked), (0..5).map(|n| (n, "no".to_owned())).collect::<Vec<_>>());
    let kept = bus.errors().take();
    assert_eq!(kept.iter().map(|one| super::number(&one.event)).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((bus.errors().counts().total, bus.errors().counts().lost), (5, 3));
}

#[tokio::test]
async fn failures_can_be_waited_for() {
    let bus = SyncBus::builder().build();
    bus.subscribe(Subscriber::on("failing", |_: &Tick, _| Err(HandlerError::permanent("no"))));
    let errors = bus.errors().clone();
    let next = super::spawn(async move { errors.next().await });
    super::settle().await;
    assert!(!next.is_finished());

    bus.publish(tick("k", 7)).await.unwrap_err();

    assert_eq!(super::number(&next.await.unwrap().event), 7);
}

#[tokio::test]
async fn a_bus_needs_no_runtime_as_long_as_no_handler_waits() {
    let (bus, log) = (SyncBus::builder().build(), Log::default());
    bus.subscribe(writer("one", &log));
    let without = std::thread::spawn(move || {
        let mut publish = std::pin::pin!(bus.publish(tick("k", 1)));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        matches!(publish.as_mut().poll(&mut cx), std::task::Poll::Ready(Ok(())))
    });
    assert!(without.join().unwrap());
    assert_eq!(all(&log), [1]);
}

#[tokio::test]
async fn an_awaited_event_is_seen_also_when_it_came_before_the_wait() {
    use cqrs_core::event_bus::{Awaited, Interest, NotSeen};
    let (services, clock) = super::surroundings();
    let bus = SyncBus::builder().services(services).build();
    let seen = Awaited::on(&bus, Interest::of::<Tick>(), |event| event.key() == "mine");
    let other = Awaited::on(&bus, Interest::of::<Tick>(), |event| event.key() == "none");

    bus.publish(tick("other", 1)).await.unwrap();
    bus.publish(tick("mine", 2)).await.unwrap();
    bus.publish(tick("mine", 3)).await.unwrap();

    let limit = Duration::from_secs(5);
    assert_eq!(super::number(&seen.within(limit).await.unwrap()), 2);
    let missed = super::spawn(other.within(limit));
    super::settle().await;
    clock.advance(limit);
    assert!(matches!(missed.await.unwrap(), Err(NotSeen { .. })));
}
