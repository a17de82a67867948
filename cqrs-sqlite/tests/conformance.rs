use cqrs_core::store::Store;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::conformance::{BoxFuture, Fixture};
use std::sync::Mutex;

struct Files {
    dir: tempfile::TempDir,
    n: Mutex<u32>,
}
impl Files {
    fn new() -> Self {
        Self { dir: tempfile::tempdir_in("/tmp").unwrap(), n: Mutex::new(0) }
    }
    fn path(&self, next: bool) -> std::path::PathBuf {
        let mut n = self.n.lock().unwrap();
        *n += u32::from(next);
        self.dir.path().join(format!("{n}.db"))
    }
}
impl Fixture for Files {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        Box::pin(async { Store::new(SqliteStore::open(self.path(true)).await.unwrap()) })
    }
    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        Box::pin(async { Some(Store::new(SqliteStore::open(self.path(false)).await.unwrap())) })
    }
}
mod file {
    use super::*;
    cqrs_testkit::store_conformance!(Files::new());
}
mod memory {
    use super::*;
    cqrs_testkit::store_conformance!(|| async { SqliteStore::in_memory().await.unwrap() });
}
