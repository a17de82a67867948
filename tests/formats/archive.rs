//! An archive of each format: brought in, its events are what they were.

use cqrs_archive::{Until, backup, restore, verify_file};
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{EventStore, ReadRequest, Store};

use crate::{is_written, kept, log};

#[tokio::test]
async fn an_archive_of_format_1_is_read_as_it_was() {
    let path = kept("archive-1.jsonl");
    if is_written(&path) {
        let store = Store::new(MemoryStore::new());
        log::fill(store.clone()).await;
        backup(&store, &path).await.unwrap();
    }
    let manifest = verify_file(&path).await.unwrap();
    let store = Store::new(MemoryStore::new());
    let done = restore(&path, &store, Until::End).await.unwrap();
    assert_eq!((done.events, done.units), (manifest.events, manifest.units));
    let page = store.read(ReadRequest::all().limit(usize::MAX)).await.unwrap();
    let events: Vec<_> = page.events().map(|one| log::event(&one)).collect();
    insta::assert_json_snapshot!("archive-1", events);
    log::takes_more(store).await;
}
