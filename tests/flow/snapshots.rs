//! Snapshots save time and nothing else.

use cqrs_core::message::Encoding;
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, Operation, Snapshot, StateShape, StreamId, StreamVersion, UnitOfWork,
};
use cqrs_testkit::{Fault, FaultyStore};
use support::bank::*;

use crate::stores::{app, builder, open};

fn stream() -> StreamId {
    StreamId::new("account", "a").unwrap()
}

async fn deposits(app: &App, count: u32) {
    for _ in 0..count {
        app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap();
        app.settle().await;
    }
}

async fn put(app: &App, version: u64, shape: StateShape, data: &'static [u8]) {
    let version = StreamVersion::new(version);
    let snapshot =
        Snapshot::new(stream(), version, shape, Encoding::JSON, data.into(), Timestamp::EPOCH);
    let operation = Operation::fresh(uuid::Uuid::from_u128(version.get().into()).into());
    app.store().commit(UnitOfWork::new(operation, Timestamp::EPOCH).save(snapshot)).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_is_taken_at_each_multiple() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    deposits(&app, 8).await;
    assert_eq!(app.store().snapshot(&stream()).await.unwrap(), None);
    deposits(&app, 1).await;
    let snapshot = app.store().snapshot(&stream()).await.unwrap().unwrap();
    assert_eq!(snapshot.version().get(), 10);
    assert_eq!(snapshot.data().as_ref(), br#"{"open":true,"cents":9,"audits":0}"#);
    deposits(&app, 15).await;
    let snapshot = app.store().snapshot(&stream()).await.unwrap().unwrap();
    assert_eq!(snapshot.version().get(), 20);
}

#[tokio::test]
async fn a_snapshot_and_its_tail_equal_a_full_replay() {
    let store = MemoryStore::new();
    let first = app(store.clone());
    open(&first, "a").await;
    deposits(&first, 14).await;
    let again = app(store);
    let root = again.repository::<Account>().load(&"a".into()).await.unwrap();
    assert_eq!((root.state().cents, root.version().get()), (14, 15));
}

#[tokio::test]
async fn an_unusable_snapshot_is_ignored() {
    let store = MemoryStore::new();
    let writer = app(store.clone());
    open(&writer, "a").await;
    deposits(&writer, 10).await;
    let good = store.snapshot(&stream()).await.unwrap().unwrap().shape();
    let other = StateShape { fingerprint: good.fingerprint ^ 1, ..good };
    let newer = StateShape { version: good.version + 1, ..good };
    for (version, shape, data) in [
        (11, other, &br#"{"open":true,"cents":777,"audits":0}"#[..]),
        (11, newer, br#"{"open":true,"cents":777,"audits":0}"#),
        (11, good, b"not json"),
        (11, good, br#"{"open":true}"#),
        (12, good, br#"{"open":true,"cents":777,"audits":0}"#),
    ] {
        put(&writer, version, shape, data).await;
        let fresh = app(store.clone());
        let root = fresh.repository::<Account>().load(&"a".into()).await.unwrap();
        assert_eq!((root.state().cents, root.version().get()), (10, 11), "{data:?}");
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_saved_fails_no_command() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = builder().store(faulty.clone()).without_projections().build().unwrap();
    open(&app, "a").await;
    deposits(&app, 8).await;
    // The command commits, then the snapshot behind it fails.
    app.execute(Deposit { account: "a".into(), cents: 1 }).await.unwrap();
    faulty.inject(Fault::unavailable());
    app.settle().await;
    assert_eq!(app.store().snapshot(&stream()).await.unwrap(), None);
    deposits(&app, 10).await;
    assert!(app.store().snapshot(&stream()).await.unwrap().is_some());
}

mod state_stored {
    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    struct Count {
        counter: String,
    }

    #[derive(Event, Clone, Debug, PartialEq)]
    enum CounterEvent {
        Counted,
    }

    #[derive(Debug, PartialEq)]
    enum Never {}

    impl std::fmt::Display for Never {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match *self {}
        }
    }

    impl std::error::Error for Never {}

    #[derive(Aggregate, Debug, Default, PartialEq)]
    #[aggregate(id = String, event = CounterEvent, error = Never, state_stored)]
    struct Counter {
        count: u32,
    }

    #[command_handlers]
    impl Counter {
        fn count(&self, _: &Count) -> CounterEvent {
            CounterEvent::Counted
        }
    }

    #[apply]
    impl Apply for Counter {
        fn apply(&mut self, event: &CounterEvent) {
            match event {
                CounterEvent::Counted => self.count += 1,
            }
        }
    }

    /// The state commits with the events, and equals their fold.
    #[tokio::test]
    async fn a_stored_state_commits_with_its_events() {
        let app = App::builder().modules(modules![self]).store(MemoryStore::new()).build().unwrap();
        let stream = StreamId::new("counter", "c").unwrap();
        for count in 1..=7_u64 {
            app.execute(Count { counter: "c".into() }).await.unwrap();
            let snapshot = app.store().snapshot(&stream).await.unwrap().unwrap();
            assert_eq!(snapshot.version().get(), count);
            assert_eq!(snapshot.data().as_ref(), format!("{{\"count\":{count}}}").as_bytes());
            let folded = app.repository::<Counter>().load_as_of(&"c".into(), Timestamp::MAX).await;
            assert_eq!(folded.unwrap().state().count, count as u32);
        }
    }
}

mod by_time {
    use std::time::Duration;

    use super::*;
    use cqrs_testkit::ManualClock;

    cqrs_core::module!();

    #[derive(Command)]
    struct Tick {
        clock: String,
    }

    #[derive(Event)]
    enum ClockEvent {
        Ticked,
    }

    #[derive(Rejection, Debug)]
    enum Never {}

    #[derive(Aggregate, Default)]
    #[aggregate(id = String, event = ClockEvent, error = Never)]
    #[aggregate(snapshot = SnapshotPolicy::every(100).or_after(Duration::from_secs(60)))]
    struct Ticking {
        ticks: u32,
    }

    #[command_handlers]
    impl Ticking {
        fn tick(&self, _: &Tick) -> ClockEvent {
            ClockEvent::Ticked
        }
    }

    #[apply]
    impl Apply for Ticking {
        fn apply(&mut self, event: &ClockEvent) {
            match event {
                ClockEvent::Ticked => self.ticks += 1,
            }
        }
    }

    #[tokio::test]
    async fn a_snapshot_is_taken_when_the_last_one_is_old() {
        let clock = ManualClock::new();
        let builder = App::builder().modules(modules![self]).store(MemoryStore::new());
        let app = builder.clock(clock.clone()).build().unwrap();
        let stream = StreamId::new("ticking", "c").unwrap();
        let mut taken = Vec::new();
        for seconds in [0, 59, 1, 30, 31, 61] {
            clock.advance(Duration::from_secs(seconds));
            app.execute(Tick { clock: "c".into() }).await.unwrap();
            app.settle().await;
            let snapshot = app.store().snapshot(&stream).await.unwrap();
            taken.push(snapshot.map(|snapshot| snapshot.version().get()));
        }
        assert_eq!(taken, [None, None, Some(3), Some(3), Some(5), Some(6)]);
    }
}
