//! The contract of every store, on a file that is reopened and in memory.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_core::store::Store;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::conformance::{BoxFuture, Fixture};

struct Files {
    folder: tempfile::TempDir,
    made: AtomicU32,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self { folder, made: AtomicU32::new(0) }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.path().join(format!("{number}.db"))
    }

    async fn open(&self, number: u32) -> Store {
        Store::new(SqliteStore::open(self.path(number)).await.expect("the file opens"))
    }
}

impl Fixture for Files {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        Box::pin(self.open(self.made.fetch_add(1, Ordering::SeqCst) + 1))
    }

    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        Box::pin(async { Some(self.open(self.made.load(Ordering::SeqCst)).await) })
    }
}

mod file {
    use super::*;

    cqrs_testkit::store_conformance!(Files::new());
}

mod memory {
    use super::*;

    cqrs_testkit::store_conformance!(|| async {
        SqliteStore::in_memory().await.expect("a database in memory opens")
    });
}
