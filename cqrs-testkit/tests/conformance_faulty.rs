//! The store that fails on demand: a store without its script, and each fault
//! as it says with one.

use cqrs_core::message::{Encoding, EventId, SchemaVersion};
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Lineage, NewEvent, Operation, ReadError, ReadRequest,
    StreamId, StreamVersion, UnitOfWork,
};
use cqrs_core::{OperationId, Timestamp};
use cqrs_testkit::fault::{Fault, FaultyStore, Gate};
use uuid::Uuid;

mod without_a_script {
    use cqrs_core::store::memory::MemoryStore;
    use cqrs_testkit::fault::FaultyStore;

    cqrs_testkit::store_conformance!(|| async { FaultyStore::new(MemoryStore::new()) });
}

mod behind_a_delay {
    use cqrs_core::store::memory::MemoryStore;
    use cqrs_testkit::fault::{Fault, FaultyStore, Gate};

    /// Every unit takes the way of a delayed one, through an open gate.
    async fn delayed() -> FaultyStore {
        let (store, gate) = (FaultyStore::new(MemoryStore::new()), Gate::new());
        gate.release();
        store.inject(Fault::delay(&gate).times(usize::MAX));
        store
    }

    cqrs_testkit::store_conformance!(delayed);
}

fn store() -> FaultyStore {
    FaultyStore::new(MemoryStore::new())
}

fn id(n: u128) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(n))
}

fn stream(key: &str) -> StreamId {
    StreamId::new("account", key).expect("the name is well-formed")
}

/// A unit that appends an event to a stream.
fn unit(n: u128, key: &str, event_type: &'static str) -> UnitOfWork {
    let event_id = EventId::from_uuid(Uuid::from_u128(n));
    let (first, json) = (SchemaVersion::FIRST, Encoding::JSON);
    let event = NewEvent::new(event_id, event_type, first, json, "{}", Timestamp::EPOCH);
    let work = UnitOfWork::new(Operation::given(id(n)), Timestamp::EPOCH);
    work.append(stream(key), ExpectedVersion::Any, vec![event])
}

fn committed(store: &FaultyStore) -> Vec<OperationId> {
    store.committed().iter().map(|unit| unit.operation).collect()
}

#[tokio::test]
async fn an_unavailable_store_writes_nothing_and_recovers() {
    let store = store();
    store.inject(Fault::unavailable().times(2));
    let lineage = Lineage::new();

    for _ in 0..2 {
        let answer = store.commit(unit(1, "a", "t").in_lineage(lineage.clone())).await;
        let transient = matches!(answer, Err(CommitError::Unavailable { transient: true, .. }));
        assert!(transient, "{answer:?}");
    }

    assert!(lineage.is_broken());
    assert_eq!(store.resolve(id(1)).await.unwrap(), None);
    assert!(!store.commit(unit(1, "a", "t")).await.unwrap().is_repeated());
    assert_eq!(committed(&store), [id(1)]);
}

#[tokio::test]
async fn a_lost_acknowledgement_has_committed() {
    let store = store();
    store.inject(Fault::lost_acknowledgement());

    let answer = store.commit(unit(1, "a", "t")).await;

    let unknown =
        matches!(answer, Err(CommitError::Unknown { operation, .. }) if operation == id(1));
    assert!(unknown, "{answer:?}");
    assert!(store.resolve(id(1)).await.unwrap().is_some());
    assert!(store.commit(unit(1, "a", "t")).await.unwrap().is_repeated());
    let [unit] = &store.committed()[..] else { panic!("one unit has committed") };
    assert_eq!((&unit.streams[..], unit.types[0].as_str()), (&[stream("a")][..], "t"));
}

#[tokio::test]
async fn a_conflict_names_the_stream_and_where_it_is() {
    let store = store();
    store.commit(unit(1, "a", "t")).await.unwrap();
    store.inject(Fault::conflict());

    let empty = UnitOfWork::new(Operation::fresh(id(2)), Timestamp::EPOCH);
    store.commit(empty).await.expect("a unit without streams has none to conflict at");
    let answer = store.commit(unit(3, "a", "t")).await;

    let Err(CommitError::Conflict { stream: at, actual, .. }) = answer else {
        panic!("the unit must conflict: {answer:?}")
    };
    assert_eq!((at, actual), (stream("a"), StreamVersion::new(1)));
    assert_eq!(committed(&store), [id(1), id(2)]);
}

#[tokio::test]
async fn a_delayed_unit_holds_those_behind_it_until_it_is_released() {
    let (store, gate) = (store(), Gate::new());
    store.inject(Fault::delay(&gate));

    let first = store.commit(unit(1, "a", "t"));
    let second = store.commit(unit(2, "a", "t"));
    tokio::task::yield_now().await;
    assert_eq!(committed(&store), []);

    gate.release();
    let versions = [second.await, first.await].map(|answer| answer.unwrap().streams()[0].1.get());
    assert_eq!(versions, [2, 1]);
    assert_eq!(committed(&store), [id(1), id(2)]);
}

#[tokio::test]
async fn resolve_waits_for_a_delayed_unit() {
    let (store, gate) = (store(), Gate::new());
    store.inject(Fault::delay(&gate));
    drop(store.commit(unit(1, "a", "t")));

    let (resolved, ()) = tokio::join!(store.resolve(id(1)), async { gate.release() });

    assert!(resolved.unwrap().is_some());
}

#[tokio::test]
async fn unreadable_fails_the_next_reads_alone() {
    let store = store();
    store.inject(Fault::unreadable().times(2));
    store.commit(unit(1, "a", "t")).await.unwrap();

    let read = store.read(ReadRequest::all()).await;
    assert!(matches!(read, Err(ReadError::Unavailable { .. })), "{read:?}");
    assert!(store.resolve(id(1)).await.is_err());
    assert_eq!(store.read(ReadRequest::all()).await.unwrap().events().len(), 1);
}

#[tokio::test]
async fn a_stalled_read_sees_what_was_written_while_it_waited() {
    let (store, gate) = (store(), Gate::new());
    store.inject(Fault::stalled_read(&gate));

    let (page, _) = tokio::join!(store.read(ReadRequest::all()), async {
        store.commit(unit(1, "a", "t")).await.unwrap();
        gate.release();
    });

    assert_eq!(page.unwrap().events().len(), 1);
}

#[tokio::test]
async fn a_fault_can_be_kept_to_an_operation_a_stream_or_a_type() {
    let store = store();
    store.inject(Fault::unavailable().of_operation(id(2)));
    store.inject(Fault::unavailable().of_stream(stream("c")));
    store.inject(Fault::unavailable().of_type("marked"));
    store.inject(Fault::unreadable().of_stream(stream("b")));

    for (n, key, event_type, fits) in [
        (1, "a", "t", true),
        (2, "a", "t", false),
        (3, "c", "t", false),
        (4, "a", "marked", false),
        (5, "c", "marked", true),
    ] {
        assert_eq!(store.commit(unit(n, key, event_type)).await.is_ok(), fits, "unit {n}");
    }
    assert!(store.stream_head(&stream("a")).await.is_ok());
    assert!(store.stream_head(&stream("b")).await.is_err());
    assert_eq!(committed(&store), [id(1), id(5)]);
}

#[tokio::test]
async fn equal_seeds_choose_equal_calls() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let store = store();
        store.inject(Fault::unavailable().times(usize::MAX).one_in(3, seed));
        let mut failed = Vec::new();
        for n in 0..60 {
            failed.push(store.commit(unit(n, "a", "t")).await.is_err());
        }
        let failures = failed.iter().filter(|failed| **failed).count();
        assert!((5..40).contains(&failures), "about a third of 60: {failures}");
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn recovering_ends_every_fault() {
    let store = store();
    store.inject(Fault::unavailable().times(9));
    store.recover();
    store.commit(unit(1, "a", "t")).await.unwrap();
}
