//! One event on its way through the subscribers of a synchronous bus, of which
//! some wait and some fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::event_bus::{
    BusEvent, DeliveryError, EventBus, Handler, HandlerError, HandlerResult, Interest,
    PublishError, Subscriber, SyncBus,
};
use cqrs_core::message::Timestamp;
use support::bank::AccountEvent;
use tokio::time::{Instant, sleep};

use crate::stores::GUARD;

#[derive(Clone, Copy)]
enum Does {
    /// At once.
    Well,
    Fails,
    /// Waits first.
    WaitsWell,
    WaitsFails,
    Hangs,
}

use Does::{Fails, Hangs, WaitsFails, WaitsWell, Well};

/// A bus with subscribers that are asked in this order, and who was asked.
fn bus(does: &[Does]) -> (Arc<SyncBus>, Arc<Mutex<Vec<usize>>>) {
    let (bus, asked) = (Arc::new(SyncBus::builder().build()), Arc::<Mutex<Vec<_>>>::default());
    for (at, does) in does.iter().copied().enumerate() {
        let notes = Arc::clone(&asked);
        let ended = move || -> HandlerResult {
            let fails = matches!(does, Fails | WaitsFails);
            if fails { Err(HandlerError::permanent(format!("subscriber {at}"))) } else { Ok(()) }
        };
        let name = format!("{at}");
        let subscriber = match does {
            Well | Fails => Subscriber::on(name, move |_: &AccountEvent, _| {
                notes.lock().unwrap().push(at);
                ended()
            }),
            WaitsWell | WaitsFails | Hangs => {
                let handler = Handler::waiting(move |_| {
                    notes.lock().unwrap().push(at);
                    async move {
                        let time = if matches!(does, Hangs) { u64::MAX >> 20 } else { 1 };
                        sleep(Duration::from_millis(time)).await;
                        ended()
                    }
                });
                Subscriber::new(name, Interest::of::<AccountEvent>(), handler)
            }
        };
        bus.subscribe(subscriber);
    }
    (bus, asked)
}

fn event(bus: &SyncBus) -> BusEvent {
    bus.event("a", AccountEvent::Audited { by: None, at: Timestamp::EPOCH })
}

/// Those who have failed, in order.
fn failed(published: Result<(), PublishError>) -> Vec<String> {
    match published {
        Ok(()) => Vec::new(),
        Err(PublishError::Handlers(failures)) => {
            failures.iter().map(|failure| failure.subscriber.to_string()).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn publishing_stops_at_the_first_that_fails_wherever_it_stands() {
    let rounds: [(&[Does], &[usize], &[&str]); 6] = [
        (&[Well, Fails, Well], &[0, 1], &["1"]),
        (&[Well, WaitsFails, Well], &[0, 1], &["1"]),
        (&[WaitsWell, Fails, Well], &[0, 1], &["1"]),
        (&[WaitsWell, WaitsFails, WaitsWell], &[0, 1], &["1"]),
        (&[WaitsFails, Fails], &[0], &["0"]),
        (&[WaitsWell, Well, WaitsWell], &[0, 1, 2], &[]),
    ];
    for (number, (does, asked, fails)) in rounds.into_iter().enumerate() {
        let (bus, notes) = bus(does);
        let published = bus.publish(event(&bus)).await;
        assert_eq!(failed(published), fails, "round {number}");
        assert_eq!(*notes.lock().unwrap(), asked, "round {number}");
        assert_eq!(bus.errors().counts().total, fails.len() as u64, "round {number}");
    }
}

#[tokio::test]
async fn publishing_to_all_asks_everybody_and_tells_of_every_failure() {
    let rounds: [(&[Does], &[&str]); 5] = [
        (&[Fails, Well, Fails], &["0", "2"]),
        (&[WaitsWell, Fails, Well, WaitsFails, Well, Fails], &["1", "3", "5"]),
        (&[WaitsFails, WaitsFails, WaitsWell], &["0", "1"]),
        (&[Fails, WaitsWell, Fails, WaitsWell], &["0", "2"]),
        (&[WaitsWell, Well], &[]),
    ];
    for (number, (does, fails)) in rounds.into_iter().enumerate() {
        let (bus, notes) = bus(does);
        let published = bus.publish_and_wait(event(&bus)).await;
        assert_eq!(failed(published), fails, "round {number}");
        let all: Vec<_> = (0..does.len()).collect();
        assert_eq!(*notes.lock().unwrap(), all, "round {number}");
        assert_eq!(bus.errors().counts().total, fails.len() as u64, "round {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_up_who_hangs_and_everybody_behind() {
    for all in [false, true] {
        let (bus, notes) = bus(&[Well, Hangs, Well, WaitsWell]);
        let (publishing, event) = (Arc::clone(&bus), event(&bus));
        let published = tokio::spawn(async move {
            match all {
                false => publishing.publish(event).await,
                true => publishing.publish_and_wait(event).await,
            }
        });
        sleep(Duration::from_millis(5)).await;

        assert_eq!(bus.stop(Duration::from_secs(1)).await, 3);

        let Err(PublishError::Handlers(failures)) = published.await.expect("it ends") else {
            panic!("three were given up");
        };
        let given_up: Vec<_> = failures
            .iter()
            .filter(|failure| matches!(*failure.error, DeliveryError::Stopped))
            .map(|failure| failure.subscriber.to_string())
            .collect();
        assert_eq!(given_up, ["1", "2", "3"]);
        assert_eq!(bus.errors().counts().total, 3);
        assert_eq!(*notes.lock().unwrap(), [0, 1], "nobody behind it is asked");
        let late = bus.publish(self::event(&bus)).await.expect_err("it has stopped");
        assert!(matches!(late, PublishError::Stopped));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_anything_in_flight_takes_no_time_and_gives_nobody_up() {
    let (bus, _) = bus(&[Well, WaitsWell]);
    bus.publish(event(&bus)).await.expect("both do well");
    let before = Instant::now();
    assert_eq!(bus.stop(GUARD).await, 0);
    assert_eq!(bus.stop(GUARD).await, 0, "it may be stopped again");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_may_stop_the_bus_that_runs_it() {
    let (bus, _) = bus(&[]);
    let stops = Arc::downgrade(&bus);
    let handler = Handler::waiting(move |_| {
        let bus = stops.upgrade().expect("it publishes");
        async move {
            bus.stop(Duration::from_secs(1)).await;
            Ok(())
        }
    });
    bus.subscribe(Subscriber::new("stops", Interest::of::<AccountEvent>(), handler));
    let published = tokio::time::timeout(GUARD, bus.publish(event(&bus))).await;
    let published = published.expect("it does not wait for itself");
    assert_eq!(failed(published), [""; 0], "it has ended by itself");
    let late = bus.publish(event(&bus)).await.expect_err("it has stopped");
    assert!(matches!(late, PublishError::Stopped));
}
