//! A database of each format: opened, everything in it is what it was, and it
//! takes more.

use cqrs_core::store::Store;
use cqrs_sqlite::SqliteStore;

use crate::{is_written, kept, log};

async fn is_read_and_takes_more(format: u32) {
    let name = format!("sqlite-{format}");
    let path = kept(&format!("{name}.database"));
    if is_written(&path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        log::fill(Store::new(SqliteStore::open(&path).await.unwrap())).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("bank.db");
    std::fs::copy(&path, &copy).unwrap();
    let found = cqrs_sqlite::Migrator::connect(&copy).await.unwrap().current().await.unwrap();
    assert_eq!(found, format);
    let store = Store::new(SqliteStore::open(&copy).await.unwrap());
    insta::assert_json_snapshot!(name, log::contents(&store).await);
    log::takes_more(store).await;
}

#[tokio::test]
async fn a_database_of_format_1_is_read_as_it_was_and_takes_more() {
    is_read_and_takes_more(1).await;
}

#[tokio::test]
async fn a_database_of_format_2_is_read_as_it_was_and_takes_more() {
    is_read_and_takes_more(2).await;
}
