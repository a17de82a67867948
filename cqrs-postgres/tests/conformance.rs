//! The contract of every store, on logs of which each has its own schema.

use std::sync::Mutex;

use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_testkit::conformance::{BoxFuture, Fixture};
use cqrs_testkit::postgres;

/// The schema of the log that was made last.
struct Schemas(Mutex<String>);

async fn open(schema: &str) -> Store {
    let options = PostgresStore::options(postgres::url()).schema(schema).connections(4);
    Store::new(options.open().await.expect("the log opens"))
}

impl Fixture for Schemas {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        let schema = postgres::schema();
        self.0.lock().expect("no code that may panic runs under the lock").clone_from(&schema);
        Box::pin(async move { open(&schema).await })
    }

    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        let schema = self.0.lock().expect("no code that may panic runs under the lock").clone();
        Box::pin(async move { Some(open(&schema).await) })
    }
}

cqrs_testkit::store_conformance!(Schemas(Mutex::default()));
