//! Random units and requests against the store in memory, which is the
//! reference.

mod support;

use cqrs_core::store::{EventStore, memory::MemoryStore};
use cqrs_sqlite::SqliteStore;
use support::{World, content, operation, verdict};

/// Compares both stores over `units` units, with reads between them.
async fn compare(seed: u64, units: usize, store: &SqliteStore) {
    let memory = MemoryStore::new();
    let mut world = World::new(seed);
    for round in 0..units {
        let head = memory.info().await.expect("memory answers").head.get();
        let unit = world.unit(head);
        let expected = memory.commit(unit.clone()).await;
        let actual = store.commit(unit).await;
        assert_eq!(verdict(&actual), verdict(&expected), "unit {round} of seed {seed}");
        for _ in 0..4 {
            let request = world.request(head);
            let expected = content(&memory.read(request.clone()).await);
            let actual = content(&store.read(request.clone()).await);
            assert_eq!(actual, expected, "unit {round} of seed {seed}: {request:#?}");
        }
        let stream = world.stream();
        assert_eq!(
            store.stream_head(&stream).await.expect("the head can be read"),
            memory.stream_head(&stream).await.expect("memory answers")
        );
        let id = operation(world.dice.below(units as u64));
        assert_eq!(
            store.resolve(id).await.expect("the operation resolves").map(|one| verdict(&Ok(one))),
            memory.resolve(id).await.expect("memory answers").map(|one| verdict(&Ok(one)))
        );
    }
}

#[tokio::test]
async fn reads_of_an_unindexed_log_equal_those_of_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteStore::options().path(folder.path().join("log.db"));
    let store = options.index_every(1 << 40).open().await.expect("the store opens");
    compare(1, 300, &store).await;
}

#[tokio::test]
async fn reads_of_a_wholly_indexed_log_equal_those_of_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteStore::options().path(folder.path().join("log.db"));
    let store = options.index_every(1).open().await.expect("the store opens");
    compare(2, 300, &store).await;
}

#[tokio::test]
async fn reads_of_a_partly_indexed_log_equal_those_of_memory() {
    for seed in 3..9 {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteStore::options().path(folder.path().join("log.db"));
        let store = options.index_every(40).open().await.expect("the store opens");
        compare(seed, 300, &store).await;
    }
}

#[tokio::test]
async fn a_store_in_memory_equals_the_reference() {
    let store = SqliteStore::options().index_every(25).open().await.expect("the store opens");
    assert!(!store.info().await.expect("it answers").durable);
    compare(10, 300, &store).await;
}
